using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Node.Tests;

namespace Serval.Signals.Tests;

/// <summary>A cluster in memory that knows one ServiceAccount, and peers that serve on the loopback.</summary>
internal sealed class World : IAsyncDisposable
{
    public static readonly ObjectKey Reader = new("knative-serving", "serval-reader");
    private readonly ConcurrentDictionary<string, string> _tokens = []; // audiences by token
    private readonly List<IAsyncDisposable> _parts = [];
    private int _issued;

    public World()
    {
        Kube.Answer = Answer;
        Peers = new PeerDirectory(Kube, Time);
        Client = new SignalClient(Peers, new AccountTokens(Kube, Reader, Time), Time);
    }

    public ManualTime Time { get; } = new();

    public FakeKube Kube { get; } = new();

    public PeerDirectory Peers { get; }

    public SignalClient Client { get; }

    /// <summary>Questions that were asked, in order: the review's kind.</summary>
    public ConcurrentQueue<string> Asked { get; } = [];

    /// <summary>The last access that was asked about.</summary>
    public JsonObject? Access { get; private set; }

    public bool Allowed { get; set; } = true;

    /// <summary>Thrown by reviews while set.</summary>
    public ApiException? ReviewFailure { get; set; }

    /// <summary>A peer whose Lease is there.</summary>
    public async Task<Served> ServeAsync(PeerRole role, string id, params ISignalEndpoint[] endpoints)
    {
        var served = new Served(this, role, id, await StartAsync(endpoints));
        _parts.Add(served);
        return served;
    }

    public async Task<SignalServer> StartAsync(params ISignalEndpoint[] endpoints) =>
        await SignalServer.StartAsync(new SignalServerOptions { Advertise = IPAddress.Loopback, Client = Kube, Time = Time, Loggers = NullLoggerFactory.Instance }, endpoints, CancellationToken.None);

    public T Add<T>(T part)
        where T : IAsyncDisposable
    {
        _parts.Add(part);
        return part;
    }

    /// <summary>A token that is good for an audience; an empty one is the API server.</summary>
    public string Issue(string audience)
    {
        var token = $"token-{Interlocked.Increment(ref _issued)}";
        _tokens[token] = audience;
        return token;
    }

    /// <summary>No token is good any more.</summary>
    public void Revoke() => _tokens.Clear();

    public async ValueTask DisposeAsync()
    {
        for (var i = _parts.Count - 1; i >= 0; i--)
        {
            await _parts[i].DisposeAsync();
        }
        Client.Dispose();
        Peers.Dispose();
    }

    private KubeObject? Answer(ResourceKind kind, KubeObject asked)
    {
        var spec = asked.ToTree()["spec"] as JsonObject;
        var status = asked.Kind switch
        {
            "TokenRequest" => new JsonObject
            {
                ["token"] = Issue((string)spec!["audiences"]![0]!), ["expirationTimestamp"] = KubeTime.Text(Time.GetUtcNow().AddHours(1)),
            },
            "TokenReview" => Review(asked.Kind, () => _tokens.TryGetValue((string)spec!["token"]!, out var audience) && audience == ((string?)spec["audiences"]?[0] ?? "")
                ? new JsonObject
                {
                    ["authenticated"] = true, ["audiences"] = new JsonArray(audience),
                    ["user"] = new JsonObject { ["username"] = "system:serviceaccount:knative-serving:serval-reader", ["groups"] = new JsonArray("system:serviceaccounts") },
                }
                : new JsonObject { ["user"] = new JsonObject(), ["error"] = "invalid bearer token" }),
            "SubjectAccessReview" => Review(asked.Kind, () =>
            {
                Access = spec;
                return new JsonObject { ["allowed"] = Allowed };
            }),
            _ => null,
        };
        return status is null ? null : asked.With(tree => tree["status"] = status);
    }

    private JsonObject Review(string kind, Func<JsonObject> answer)
    {
        Asked.Enqueue(kind);
        return ReviewFailure is not null ? throw ReviewFailure : answer();
    }

    /// <summary>A peer that serves.</summary>
    internal sealed class Served : IAsyncDisposable
    {
        private readonly PeerLease _lease;
        private bool _ended;
        private bool _killed;

        public Served(World world, PeerRole role, string id, SignalServer server, IReadOnlyDictionary<string, string>? facts = null)
        {
            Server = server;
            _lease = PeerLease.Keep(world.Kube, role, id, server, facts ?? new Dictionary<string, string>(), world.Time, NullLogger<PeerLease>.Instance);
        }

        public SignalServer Server { get; }

        /// <summary>Stops to serve, and its Lease stays: as one that was killed.</summary>
        public ValueTask KillAsync()
        {
            _killed = true;
            return Server.DisposeAsync();
        }

        public async ValueTask DisposeAsync()
        {
            if (!_ended)
            {
                _ended = true;
                await _lease.DisposeAsync();
                await (_killed ? default : Server.DisposeAsync());
            }
        }
    }
}
