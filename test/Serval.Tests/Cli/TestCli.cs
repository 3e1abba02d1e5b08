using System.Text;
using Serval.Cli;
using Serval.Composition;

namespace Serval.Tests.Cli;

/// <summary>Runs the real command line with its own streams and data directory.</summary>
internal sealed class TestCli : IDisposable
{
    private Spoken _said = new();

    public string Root { get; } = Directory.CreateTempSubdirectory("serval-cli-").FullName;

    public string Data => Path.Combine(Root, "data");

    public Func<ServalOptions, CancellationToken, Task<IServalHost>> StartHost { get; set; } =
        (_, _) => throw new InvalidOperationException("this test starts no host");

    /// <summary>Waits until the command that runs has said something on standard error.</summary>
    public Task SaidAsync(string text) => Poll.UntilAsync(() => _said.ToString().Contains(text, StringComparison.Ordinal), text);

    public string this[string name] => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);

    public Task<CliResult> RunAsync(params string[] args) => RunAsync("", CancellationToken.None, args);

    public async Task<CliResult> RunAsync(string input, CancellationToken ct, params string[] args)
    {
        var raw = new MemoryStream();
        var error = _said = new Spoken();
        await using var output = new StreamWriter(raw) { AutoFlush = true };
        var context = new CliContext
        {
            In = new StringReader(input),
            Out = output,
            RawOut = raw,
            Error = error,
            Variable = name => name == SharedOptions.DataDirectoryVariable ? Data : Environment.GetEnvironmentVariable(name),
            StartHost = StartHost,
        };
        var code = await CommandLineApp.RunAsync(args, context, ct);
        return new CliResult(code, Encoding.UTF8.GetString(raw.ToArray()), error.ToString());
    }

    /// <summary>May be read while it is written.</summary>
    private sealed class Spoken : StringWriter
    {
        private readonly Lock _lock = new();

        public override void Write(char value)
        {
            lock (_lock)
            {
                base.Write(value);
            }
        }

        public override void Write(string? value)
        {
            lock (_lock)
            {
                base.Write(value);
            }
        }

        public override string ToString()
        {
            lock (_lock)
            {
                return base.ToString();
            }
        }
    }
}
