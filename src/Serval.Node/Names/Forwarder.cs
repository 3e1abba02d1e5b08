using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Serval.Node.Names;

/// <summary>
/// Asks the machine's resolvers. Each question goes out under a random number from a port of its own, and only an answer to it from whom it went
/// to counts (RFC 5452).
/// </summary>
/// <param name="servers">Who is asked, in this order.</param>
/// <param name="time">The clock.</param>
internal sealed class Forwarder(Func<IReadOnlyList<IPEndPoint>> servers, TimeProvider time)
{
    public const int Port = 53;

    private const int MostServers = 3; // as libc

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2); // with one server
    private static readonly TimeSpan s_allPatience = TimeSpan.FromSeconds(5); // the resolvers of libc ask again after that

    /// <summary>The machine's resolvers, as its file names them now, but not <paramref name="own"/>: that would ask itself.</summary>
    public static IReadOnlyList<IPEndPoint> Machine(IPAddress own) =>
        [.. ResolverFile.ReadMachine().Servers.Select(s => IPAddress.TryParse(s, out var ip) ? ip : null).OfType<IPAddress>()
            .DefaultIfEmpty(IPAddress.Loopback).Where(ip => !ip.Equals(own)).Take(MostServers).Select(ip => new IPEndPoint(ip, Port))];

    /// <summary>An answer under the question's own number; null when none came.</summary>
    /// <param name="query">The question.</param>
    /// <param name="name">Asked instead of the question's name; null keeps it.</param>
    /// <param name="stream">By TCP.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task<byte[]?> AskAsync(DnsQuery query, string? name, bool stream, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(s_allPatience, time);
        using var all = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        foreach (var server in servers())
        {
            using var patience = new CancellationTokenSource(s_patience, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, all.Token);
            try
            {
                var id = (ushort)RandomNumberGenerator.GetInt32(ushort.MaxValue + 1);
                var packet = query.ToPacket(id, name);
                if (await (stream ? AskStreamAsync(server, packet, both.Token) : AskDatagramAsync(server, packet, both.Token)) is { } answer)
                {
                    BinaryPrimitives.WriteUInt16BigEndian(answer, query.Id);
                    return answer;
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException && !all.IsCancellationRequested)
            {
                // The next one.
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                return null;
            }
        }
        return null;
    }

    private static async Task<byte[]?> AskDatagramAsync(IPEndPoint server, byte[] packet, CancellationToken ct)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, ct); // the kernel drops what others send
        await socket.SendAsync(packet, ct);
        var buffer = new byte[DnsReply.LargestDatagram * 4]; // no EDNS went out, so 512 are enough; some send more
        while (true)
        {
            var length = await socket.ReceiveAsync(buffer, ct);
            if (IsAnswer(buffer.AsSpan(0, length), packet))
            {
                return buffer[..length];
            }
        }
    }

    private static async Task<byte[]?> AskStreamAsync(IPEndPoint server, byte[] packet, CancellationToken ct)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, ct);
        await DnsStream.WriteAsync(socket, packet, ct);
        return await DnsStream.ReadAsync(socket, DnsReply.Largest, ct) is { } answer && IsAnswer(answer, packet) ? answer : null;
    }

    private static bool IsAnswer(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> packet) =>
        DnsReply.Answers(answer, DnsQuery.Number(packet, 0), packet[DnsQuery.HeaderSize..]);
}
