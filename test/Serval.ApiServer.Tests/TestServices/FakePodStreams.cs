using System.Text;
using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Tests;

/// <summary>One line, and with follow a second one when it is let go.</summary>
internal sealed class FakePodStreams : IPodStreams
{
    public TaskCompletionSource More { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public LogOptions? LastOptions { get; private set; }

    public async Task CopyLogsAsync(ObjectKey pod, LogOptions options, Stream output, CancellationToken ct)
    {
        LastOptions = options;
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
}
