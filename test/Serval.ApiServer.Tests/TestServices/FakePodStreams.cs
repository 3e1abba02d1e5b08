using System.Text;
using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Tests;

/// <summary>One line, and with follow a second one when it is let go.</summary>
internal sealed class FakePodStreams : IPodStreams
{
    public TaskCompletionSource More { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public LogOptions? LastOptions { get; private set; }

    /// <summary>Writes the log in place of the one line.</summary>
    public Func<Stream, CancellationToken, Task>? Log { get; set; }

    public async Task CopyLogsAsync(ObjectKey pod, LogOptions options, Stream output, CancellationToken ct)
    {
        LastOptions = options;
        if (Log is { } log)
        {
            await log(output, ct);
            return;
        }
        if (options.Container == "absent")
        {
            throw ApiException.BadRequest($"container absent is not valid for pod {pod.Name}");
        }
        await output.WriteAsync(Encoding.UTF8.GetBytes($"hello from {pod}\n"), ct);
        if (options.Follow)
        {
            await More.Task.WaitAsync(ct);
            await output.WriteAsync("more\n"u8.ToArray(), ct);
        }
    }

    /// <summary>What a command or the container's own program does; the default ends at once.</summary>
    public RemoteProgram Program { get; set; } = (_, _) => Task.FromResult(0);

    public ExecOptions? LastExec { get; private set; }

    public Task<RemoteProgram> ExecAsync(ObjectKey pod, ExecOptions options, CancellationToken ct)
    {
        LastExec = options;
        return options.Container == "absent" ? throw ApiException.BadRequest($"container absent is not valid for pod {pod.Name}") : Task.FromResult(Program);
    }

    public Task<RemoteProgram> AttachAsync(ObjectKey pod, ExecOptions options, CancellationToken ct) => ExecAsync(pod, options with { Command = ["(attached)"] }, ct);

    /// <summary>What listens in the pod.</summary>
    public Func<int, Stream> Listener { get; set; } = port => throw new IOException($"connection refused: {port}");

    public string? DialedUid { get; private set; }

    public Task<Stream> DialAsync(ObjectKey pod, string uid, int port, CancellationToken ct)
    {
        DialedUid = uid;
        return Task.FromResult(Listener(port));
    }
}
