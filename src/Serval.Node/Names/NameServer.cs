using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Serval.Node.Names;

/// <summary>
/// Resolves names for pods, by UDP and TCP at the machine's address among them: the cluster's own it knows, all else it asks the machine's resolvers.
/// It answers nobody but pods and this machine, and bounds what one of them can make it do at a time.
/// </summary>
internal sealed partial class NameServer : IAsyncDisposable
{
    private const int LargestQuery = 1024; // a question is at most 271 bytes; the rest is EDNS
    private const int Questions = 512; // with the machine's resolvers
    private const int QuestionsOfOne = 64;
    private const int Streams = 128;
    private const int StreamsOfOne = 16;

    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(10);

    private readonly Socket _datagrams;
    private readonly Socket _streams;
    private readonly ClusterNames _names;
    private readonly Forwarder _forwarder;
    private readonly Func<IPAddress, bool> _isInside;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Admittance _questions = new(Questions, QuestionsOfOne);
    private readonly Admittance _connections = new(Streams, StreamsOfOne);
    private readonly CancellationTokenSource _life = new();
    private readonly CancellationToken _stop;
    private Task _serving = Task.CompletedTask;

    /// <summary>Binds; <see cref="Start"/> begins to answer.</summary>
    /// <exception cref="SocketException">The port is another's.</exception>
    public NameServer(IPEndPoint at, ClusterNames names, Forwarder forwarder, Func<IPAddress, bool> isInside, TimeProvider time, ILogger logger)
    {
        (_names, _forwarder, _isInside, _time, _logger, _stop) = (names, forwarder, isInside, time, logger, _life.Token);
        _datagrams = new Socket(at.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        _streams = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _datagrams.Bind(at);
            _streams.Bind(EndPoint);
            _streams.Listen(Streams);
        }
        catch
        {
            _datagrams.Dispose();
            _streams.Dispose();
            throw;
        }
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_datagrams.LocalEndPoint!;

    public void Start() => _serving = Task.WhenAll(Task.Run(ReceiveAsync), Task.Run(AcceptAsync));

    public async ValueTask DisposeAsync()
    {
        await _life.CancelAsync();
        await _serving;
        _datagrams.Dispose();
        _streams.Dispose();
        _life.Dispose();
    }

    private async Task ReceiveAsync()
    {
        var buffer = new byte[LargestQuery];
        var anybody = new IPEndPoint(_datagrams.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var got = await _datagrams.ReceiveFromAsync(buffer, SocketFlags.None, anybody, _stop);
                var client = (IPEndPoint)got.RemoteEndPoint;
                if (_isInside(client.Address))
                {
                    Take(buffer.AsSpan(0, got.ReceivedBytes), client);
                }
            }
            catch (SocketException)
            {
                // A client that is gone, or a packet that is longer than a question can be.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private void Take(ReadOnlySpan<byte> packet, IPEndPoint client)
    {
        if (AnswerHere(packet, out var query, out var alias) is { } reply)
        {
            _datagrams.SendTo(query is null ? reply : DnsReply.ForDatagram(query, reply), client);
        }
        else if (query is not null)
        {
            _ = AnswerLaterAsync(query, alias, client);
        }
    }

    private async Task AnswerLaterAsync(DnsQuery query, string? alias, IPEndPoint client)
    {
        try
        {
            var reply = await AskAsync(query, alias, client.Address, stream: false);
            await _datagrams.SendToAsync(DnsReply.ForDatagram(query, reply), client, _stop);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client is gone, or the end has come.
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = await _streams.AcceptAsync(_stop);
                if (socket.RemoteEndPoint is IPEndPoint { Address: var client } && _isInside(client) && _connections.TryEnter(client))
                {
                    _ = ServeAsync(socket, client);
                }
                else
                {
                    socket.Dispose();
                }
            }
            catch (SocketException e)
            {
                Log.NotAccepted(_logger, e.Message);
                await Task.Delay(s_idle, _time, _stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket, IPAddress client)
    {
        using var _ = socket;
        try
        {
            while (await ReadAsync(socket) is { } packet)
            {
                var reply = AnswerHere(packet, out var query, out var alias) ?? (query is null ? null : await AskAsync(query, alias, client, stream: true));
                if (reply is null)
                {
                    return;
                }
                await WithinIdleAsync(ct => DnsStream.WriteAsync(socket, reply, ct));
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // The client is gone or said nothing for too long.
        }
        finally
        {
            _connections.Leave(client);
        }
    }

    private async Task<byte[]?> ReadAsync(Socket socket)
    {
        byte[]? packet = null;
        await WithinIdleAsync(async ct => packet = await DnsStream.ReadAsync(socket, LargestQuery, ct));
        return packet;
    }

    private async Task WithinIdleAsync(Func<CancellationToken, Task> step)
    {
        using var patience = new CancellationTokenSource(s_idle, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _stop);
        await step(both.Token);
    }

    /// <summary>What is answered without asking anybody. Null for what is not answered at all (no query) or is asked of others.</summary>
    private byte[]? AnswerHere(ReadOnlySpan<byte> packet, out DnsQuery? query, out string? alias)
    {
        alias = null;
        switch (DnsQuery.Read(packet, out query))
        {
            case DnsReading.Ignored:
                return null;
            case DnsReading.Malformed:
                return DnsReply.Error(packet, DnsReply.FormatError);
            case DnsReading.NotImplemented:
                return DnsReply.Error(packet, DnsReply.NotImplemented);
        }
        if (query!.Class != DnsQuery.ClassInternet || query.IsTransfer)
        {
            return DnsReply.Error(query, DnsReply.Refused);
        }
        if (query.Name is not { } name || _names.Find(name) is not { } meaning)
        {
            return null;
        }
        alias = meaning.Alias;
        if (alias is not null && query.Type is DnsQuery.TypeA or DnsQuery.TypeAaaa)
        {
            return null;
        }
        var family = query.Type switch { DnsQuery.TypeA => AddressFamily.InterNetwork, DnsQuery.TypeAaaa => AddressFamily.InterNetworkV6, _ => AddressFamily.Unknown };
        var addresses = meaning.Addresses.Where(a => a.AddressFamily == family).ToList();
        return addresses.Count > 0 || (alias is not null && query.Type == DnsQuery.TypeCname)
            ? DnsReply.Addresses(query, addresses, alias)
            : DnsReply.Nothing(query, meaning.Exists, ClusterNames.Zone);
    }

    private async Task<byte[]> AskAsync(DnsQuery query, string? alias, IPAddress client, bool stream)
    {
        if (!_questions.TryEnter(client))
        {
            return DnsReply.Error(query, DnsReply.ServerFailure);
        }
        try
        {
            if (await _forwarder.AskAsync(query, alias, stream, _stop) is not { } answer)
            {
                return DnsReply.Error(query, DnsReply.ServerFailure);
            }
            if (alias is null)
            {
                return answer;
            }
            var question = query.ToPacket(0, alias).Length - DnsQuery.HeaderSize;
            return DnsReply.ReadAddresses(answer, question, query.Type) is { } addresses
                ? DnsReply.Addresses(query, addresses, alias)
                : DnsReply.Error(query, DnsReply.ServerFailure);
        }
        finally
        {
            _questions.Leave(client);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(60, LogLevel.Warning, "Names: cannot accept connections: {Cause}")]
        public static partial void NotAccepted(ILogger logger, string cause);
    }
}
