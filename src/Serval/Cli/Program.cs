using System.Runtime.InteropServices;

namespace Serval.Cli;

internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        // Read by the runtime when the first socket is made: completions run where the kernel reports them, without a thread switch.
        const string Inline = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
        if (args is ["up" or "demo", ..] && Environment.GetEnvironmentVariable(Inline) is null)
        {
            Environment.SetEnvironmentVariable(Inline, "1");
        }
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, stop));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, stop));
        return await CommandLineApp.RunAsync(args, CliContext.FromConsole(), stop.Token);
    }

    // The first signal asks, the second ends.
    private static void Stop(PosixSignalContext context, CancellationTokenSource stop)
    {
        if (stop.IsCancellationRequested)
        {
            Environment.Exit(ExitCodes.Interrupted);
        }
        context.Cancel = true;
        stop.Cancel();
    }
}
