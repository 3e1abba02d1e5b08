using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Node.Names;
using Serval.Node.Sockets;

namespace Serval.Node.Services;

/// <summary>
/// Carries connections to addresses of Services to what is behind them. One rule of the packet filter sends all of them to one socket, which is told
/// what they were for: nothing is written into the kernel for a Service. Who cannot be served is reset.
/// </summary>
internal sealed partial class ServiceRelay : IAsyncDisposable
{
    public const int Backlog = 1024;

    private const int Most = 16384;
    private const int MostOfOne = 4096;
    private const int SolIp = 0;
    private const int OriginalDestination = 80; // SO_ORIGINAL_DST, linux/netfilter_ipv4.h
    private const int AddressSize = 16; // sockaddr_in

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly Socket _door;
    private readonly IPNetwork _range;
    private readonly ServiceIndex _index;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Admittance _connections = new(Most, MostOfOne);
    private readonly CancellationTokenSource _life = new();
    private readonly CancellationToken _stop;
    private readonly Task _serving;

    /// <param name="door">Listens; the relay's own from now on.</param>
    /// <param name="range">The addresses of Services.</param>
    /// <param name="index">What is behind them; the relay's own too.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told when nothing can be accepted.</param>
    public ServiceRelay(Socket door, IPNetwork range, ServiceIndex index, TimeProvider time, ILogger logger)
    {
        (_door, _range, _index, _time, _logger, _stop) = (door, range, index, time, logger, _life.Token);
        _serving = Task.Run(AcceptAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _life.CancelAsync();
        await _serving;
        _door.Dispose();
        _index.Dispose();
        _life.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var client = await _door.AcceptAsync(_stop);
                _ = ServeAsync(client);
            }
            catch (SocketException e)
            {
                Log.NotAccepted(_logger, e.Message);
                await Task.Delay(s_pause, _time, _stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var _ = client;
        Socket? behind = null;
        try
        {
            // Who came by the rule is a pod or of this machine; who found the socket itself asked for no Service.
            if (client.RemoteEndPoint is not IPEndPoint { Address: var from } || Wanted(client) is not { } wanted || !_range.Contains(wanted.Address)
                || !_connections.TryEnter(from))
            {
                SocketRelay.Reset(client);
                return;
            }
            try
            {
                using var patience = new CancellationTokenSource(s_patience, _time);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _stop);
                await _index.WhenRead.WaitAsync(both.Token);
                if (_index.Find(wanted, from, RandomNumberGenerator.GetInt32(int.MaxValue)) is not { } place)
                {
                    SocketRelay.Reset(client);
                    return;
                }
                behind = await ConnectAsync(place, both.Token);
                await SocketRelay.CarryAsync(client, behind, _stop);
            }
            finally
            {
                _connections.Leave(from);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException or ApiException)
        {
            SocketRelay.Reset(client);
            if (behind is not null)
            {
                SocketRelay.Reset(behind);
            }
        }
        finally
        {
            behind?.Dispose();
        }
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint place, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(place, ct);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static IPEndPoint? Wanted(Socket client)
    {
        Span<byte> address = stackalloc byte[AddressSize];
        try
        {
            return client.GetRawSocketOption(SolIp, OriginalDestination, address) < 8 ? null
                : new IPEndPoint(new IPAddress(address[4..8]), BinaryPrimitives.ReadUInt16BigEndian(address[2..]));
        }
        catch (SocketException)
        {
            return null; // it came straight here
        }
    }

    private static partial class Log
    {
        [LoggerMessage(61, LogLevel.Warning, "Services: cannot accept connections: {Cause}")]
        public static partial void NotAccepted(ILogger logger, string cause);
    }
}
