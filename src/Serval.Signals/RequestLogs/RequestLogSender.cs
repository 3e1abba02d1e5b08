using Serval.Api;
using Serval.Api.Core;

namespace Serval.Signals;

/// <summary>On a gateway: lines of request logs to the nodes of their pods.</summary>
public sealed class RequestLogSender(PeerDirectory peers, SignalClient client)
{
    /// <summary>Adds whole lines to the request log of a pod; false when some were not taken: it or its node has gone.</summary>
    public async ValueTask<bool> AppendAsync(Pod pod, ReadOnlyMemory<byte> lines, CancellationToken ct)
    {
        if (peers.Find(PeerRole.Node, pod.Spec.NodeName) is not { } node)
        {
            return false;
        }
        while (lines.Length > 0)
        {
            var piece = Piece(lines);
            lines = lines[piece.Length..];
            try
            {
                using var content = new ReadOnlyMemoryContent(piece);
                (await client.SendAsync(node, HttpMethod.Post, $"{RequestLogEndpoint.Route}?pod={Uri.EscapeDataString(pod.Metadata.Uid)}", ct, content)).Dispose();
            }
            catch (Exception e) when (e is ApiException or HttpRequestException or TimeoutException or IOException)
            {
                return false;
            }
        }
        return true;
    }

    // Whole lines; one that is too long alone is refused.
    private static ReadOnlyMemory<byte> Piece(ReadOnlyMemory<byte> lines)
    {
        if (lines.Length <= RequestLogEndpoint.MostInOne)
        {
            return lines;
        }
        var end = lines.Span[..RequestLogEndpoint.MostInOne].LastIndexOf((byte)'\n');
        return end < 0 ? lines : lines[..(end + 1)];
    }
}
