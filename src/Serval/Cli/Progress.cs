using Spectre.Console;

namespace Serval.Cli;

/// <summary>Tells people that something takes its time: a spinner on a terminal, one line elsewhere, nothing within the first second.</summary>
internal static class Progress
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    public static async Task<T> RunAsync<T>(CliContext context, string what, Func<Task<T>> work, CancellationToken ct)
    {
        var task = work();
        using var quiet = CancellationTokenSource.CreateLinkedTokenSource(ct);
        if (await Task.WhenAny(task, Task.Delay(s_patience, context.Time, quiet.Token)) == task || ct.IsCancellationRequested)
        {
            await quiet.CancelAsync();
            return await task;
        }
        if (!context.ErrorIsTerminal)
        {
            await context.Error.WriteLineAsync($"{what} …");
            return await task;
        }
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(context.Error), Interactive = InteractionSupport.Yes });
        return await console.Status().StartAsync(Markup.Escape(what) + " …", _ => task);
    }

    public static Task RunAsync(CliContext context, string what, Func<Task> work, CancellationToken ct) =>
        RunAsync(
            context,
            what,
            async () =>
            {
                await work();
                return true;
            },
            ct);
}
