using System.Buffers.Binary;
using System.Net.Http.Headers;
using System.Text;
using Serval.Api.Core;

namespace Serval.Node.Probes;

/// <summary>One call of gRPC's health service (grpc.health.v1.Health/Check) over cleartext HTTP/2.</summary>
internal static class GrpcCheck
{
    private const byte ServiceField = 0x0a; // HealthCheckRequest.service, a string
    private const byte StatusField = 0x08; // HealthCheckResponse.status, an enum
    private const byte Serving = 1;
    private const int FrameHead = 5;

    public static async Task<ProbeResult> RunAsync(GrpcAction action, ProbeTarget target, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{target}/grpc.health.v1.Health/Check")
        {
            Content = new ByteArrayContent(Frame(action.Service)),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        try
        {
            using var response = await Http2Client.SendAsync(request, target, HttpCompletionOption.ResponseContentRead, ct);
            var body = await response.Content.ReadAsByteArrayAsync(ct);
            return body is [_, _, _, _, _, StatusField, Serving, ..]
                ? ProbeResult.Success
                : ProbeResult.Failure($"service unhealthy (grpc-status {Trailer(response)}, HTTP {(int)response.StatusCode})");
        }
        catch (HttpRequestException e)
        {
            return ProbeResult.Failure($"grpc health check at {target}: {e.Message}");
        }
    }

    private static string Trailer(HttpResponseMessage response) =>
        response.TrailingHeaders.TryGetValues("grpc-status", out var values) || response.Headers.TryGetValues("grpc-status", out values)
            ? string.Join(',', values)
            : "missing";

    private static byte[] Frame(string service)
    {
        var name = Encoding.UTF8.GetBytes(service);
        byte[] message = name.Length == 0 ? [] : [ServiceField, .. VarInt(name.Length), .. name];
        var frame = new byte[FrameHead + message.Length]; // not compressed; the length; the message
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, FrameHead);
        return frame;
    }

    // Protocol buffers: seven bits a byte, the lowest first, the high bit says that more follow.
    private static List<byte> VarInt(int value)
    {
        var bytes = new List<byte>();
        for (; value > 0x7f; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }
        bytes.Add((byte)value);
        return bytes;
    }
}
