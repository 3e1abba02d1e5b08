using Serval.Composition;

namespace Serval.Cli;

/// <summary>What a command sees of the outside: streams, clock, environment. Tests give their own.</summary>
internal sealed class CliContext
{
    public required TextReader In { get; init; }

    public required TextWriter Out { get; init; }

    /// <summary>Standard output for bytes as they are. <see cref="Out"/> writes through, so both may be used in turn.</summary>
    public required Stream RawOut { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>Whether people read standard error: colour and moving progress are only for them.</summary>
    public bool ErrorIsTerminal { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public Func<string, string?> Variable { get; init; } = _ => null;

    /// <summary>Starts a Serval in this process.</summary>
    public Func<ServalOptions, CancellationToken, Task<IServalHost>>? StartHost { get; init; }

    /// <summary>Told what a role in this process must do before it is ended at once.</summary>
    public ForcedEnd? ForcedEnd { get; init; }

    /// <param name="forcedEnd">Told what a Serval started in this process must do before it is ended at once.</param>
    public static CliContext FromConsole(ForcedEnd forcedEnd)
    {
        var raw = Console.OpenStandardOutput();
        return new CliContext
        {
            In = Console.In,
            Out = new StreamWriter(raw) { AutoFlush = true },
            RawOut = raw,
            Error = Console.Error,
            ErrorIsTerminal = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb"),
            Variable = Environment.GetEnvironmentVariable,
            ForcedEnd = forcedEnd,
            StartHost = (options, ct) =>
            {
                CompleteInline();
                return ServalHost.StartAsync(options, forcedEnd, ct);
            },
        };
    }

    /// <summary>Colour on standard error: only for a terminal, and not against https://no-color.org.</summary>
    public string Paint(string text, string ansi) =>
        ErrorIsTerminal && string.IsNullOrEmpty(Variable("NO_COLOR")) ? $"\u001b[{ansi}m{text}\u001b[0m" : text;

    // Read by the runtime when the first socket is made: completions run where the kernel reports them, without a thread switch.
    private static void CompleteInline()
    {
        const string Inline = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
        if (Environment.GetEnvironmentVariable(Inline) is null)
        {
            Environment.SetEnvironmentVariable(Inline, "1");
        }
    }

    public void Warn(string message) => Error.WriteLine($"{Paint("warning:", "33")} {message}");
}
