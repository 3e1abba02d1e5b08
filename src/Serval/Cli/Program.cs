using System.Runtime.InteropServices;

namespace Serval.Cli;

internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        var forcedEnd = new ForcedEnd();
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, stop, forcedEnd));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, stop, forcedEnd));
        return forcedEnd.CodeAfter(await CommandLineApp.RunAsync(args, CliContext.FromConsole(forcedEnd), stop.Token));
    }

    // The first signal asks, the second ends: also the programs that take their time.
    private static void Stop(PosixSignalContext context, CancellationTokenSource stop, ForcedEnd forcedEnd)
    {
        if (stop.IsCancellationRequested)
        {
            forcedEnd.Run(static message => Console.Error.WriteLine($"warning: {message}"));
            Environment.Exit(ExitCodes.Interrupted);
        }
        context.Cancel = true;
        stop.Cancel();
    }
}
