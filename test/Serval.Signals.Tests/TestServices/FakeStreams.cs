using Serval.Api;
using Serval.Kube;

namespace Serval.Signals.Tests;

/// <summary>A node that runs what the test likes.</summary>
internal sealed class FakeStreams : IPodStreams
{
    public Func<LogOptions, Stream, CancellationToken, Task> Logs { get; set; } = (_, _, _) => Task.CompletedTask;

    public Func<ExecOptions, RemoteProgram> Find { get; set; } = _ => (_, _) => Task.FromResult(0);

    public Func<string, int, Stream> Dial { get; set; } = (_, _) => throw new IOException("nobody");

    public Task CopyLogsAsync(ObjectKey pod, LogOptions options, Stream output, CancellationToken ct) => Logs(options, output, ct);

    public Task<RemoteProgram> ExecAsync(ObjectKey pod, ExecOptions options, CancellationToken ct) => Task.FromResult(Find(options));

    public Task<RemoteProgram> AttachAsync(ObjectKey pod, ExecOptions options, CancellationToken ct) => Task.FromResult(Find(options));

    public Task<Stream> DialAsync(ObjectKey pod, string uid, int port, CancellationToken ct) => Task.FromResult(Dial(uid, port));
}
