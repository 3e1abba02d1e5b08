using System.Diagnostics;

namespace Serval.Proxy;

/// <summary>
/// One client's connection: request after request is parsed, routed, let through its gate, forwarded and answered. One flow of control owns it;
/// deadlines and a client that goes away interrupt that flow from other threads, always under <see cref="_sync"/>, by closing what it waits for.
/// </summary>
internal sealed partial class Http1Connection : ITransportWatcher
{
    private const int InitialBuffer = 4 * 1024;
    private readonly IProxyCore _core;
    private readonly Transport _client;
    private readonly ClientIdentity _identity;
    private readonly InputBuffer _input = new(InitialBuffer);
    private readonly OutputBuffer _output = new(InitialBuffer);
    private readonly MessageHead _request;
    private readonly MessageHead _response;
    private readonly BodyDecoder _requestBody = new();
    private readonly BodyDecoder _responseBody = new();

    // The request being served.
    private int _scanned;
    private bool _firstRequest = true;
    private bool _keepAlive;
    private bool _answered;
    private RequestFacts _facts;
    private RequestOutcome _failure;
    private CompiledBackend? _backend;
    private Gate? _gate;
    private Instance? _instance;
    private UpstreamConnection? _upstream;
    private Task? _upload;
    private int _attempts;
    private int _resets;
    private bool _http2Upstream;

    public Http1Connection(IProxyCore core, Transport client, bool inside)
    {
        _core = core;
        _client = client;
        _identity = new ClientIdentity(client.RemoteAddress, inside, client.IsSecure);
        _request = new MessageHead(core.Options.MaxHeaders);
        _response = new MessageHead(core.Options.MaxHeaders);
        client.Watcher = this;
    }

    private enum Step
    {
        NeedMore,
        Parsed,
        Http2,
    }

    /// <summary>Serves until the connection ends. The hot awaits stand in this method, so that a waiting request costs no state machine of its own.</summary>
    public async Task RunAsync()
    {
        try
        {
            do
            {
                BeginReading();
                Step step;
                while ((step = TryParse()) == Step.NeedMore)
                {
                    ArmClient();
                    var read = await _client.EndReceiveAsync();
                    if (read <= 0)
                    {
                        return;
                    }
                    _input.End += read;
                }
                if (step == Step.Http2)
                {
                    HandOver();
                    return;
                }
                if (_failure == RequestOutcome.Forwarded && TryPrepare())
                {
                    do
                    {
                        if (!TryEnterFast())
                        {
                            await EnterSlowAsync();
                        }
                        if (_failure != RequestOutcome.Forwarded || _http2Upstream)
                        {
                            break;
                        }
                        await SendRequestAsync();
                        while (_failure == RequestOutcome.Forwarded && !TryParseResponse())
                        {
                            ArmUpstream();
                            TakeUpstreamBytes(await _upstream!.Transport.EndReceiveAsync());
                        }
                    }
                    while (TryRepeat());
                    if (_failure == RequestOutcome.Forwarded)
                    {
                        await (_http2Upstream ? ForwardHttp2Async() : RelayAsync());
                    }
                }
                await EndRequestAsync();
            }
            while (_keepAlive);
        }
        finally
        {
            await CloseAsync();
        }
    }

    private void ArmClient()
    {
        if (!_client.ReceiveBegun && _input.MakeRoom(_core.Options.MaxHeadBytes))
        {
            _client.BeginReceive(_input.Bytes, _input.End, _input.Free);
        }
    }

    private void ArmUpstream()
    {
        var upstream = _upstream!;
        if (!upstream.Transport.ReceiveBegun)
        {
            upstream.Input.MakeRoom(_core.Options.MaxHeadBytes);
            upstream.Transport.BeginReceive(upstream.Input.Bytes, upstream.Input.End, upstream.Input.Free);
        }
    }

    private Step TryParse()
    {
        while (_input.Count >= 2 && _input.Unread[0] == '\r' && _input.Unread[1] == '\n' && _scanned == 0)
        {
            _input.Start += 2; // an empty line left over from a request before
        }
        var bytes = _input.Unread;
        if (bytes.IsEmpty)
        {
            return Step.NeedMore;
        }
        if (_firstRequest && bytes[0] == 'P' && bytes.StartsWith("PRI "u8))
        {
            return Step.Http2;
        }
        var end = HttpParser.FindEnd(bytes, _scanned);
        if ((end < 0 ? bytes.Length : end) > _core.Options.MaxHeadBytes)
        {
            _failure = RequestOutcome.HeadTooLarge;
            return Step.Parsed;
        }
        if (end < 0)
        {
            if (_scanned == 0)
            {
                SetReadDeadline(_core.Options.HeadTimeout);
            }
            _scanned = bytes.Length;
            return Step.NeedMore;
        }
        _failure = HttpParser.ParseRequest(bytes[..end], _request) switch
        {
            ParseResult.Done => RequestOutcome.Forwarded,
            ParseResult.TooManyHeaders => RequestOutcome.HeadTooLarge,
            ParseResult.UnknownExpectation => RequestOutcome.ExpectationFailed,
            _ => RequestOutcome.BadRequest,
        };
        return Step.Parsed;
    }

    private void HandOver()
    {
        Debug.Assert(!_client.ReceiveBegun, "The receive that brought the preface is done.");
        if (_client is SocketTransport socket && _core.TryHandOver(socket, _input.Unread.ToArray(), _identity.Inside))
        {
            _handedOver = true;
        }
    }

    private async ValueTask EndRequestAsync()
    {
        if (_failure != RequestOutcome.Forwarded)
        {
            Enter(Phase.Busy);
            if (!_answered && Outcomes.Of(_failure).Status != 0)
            {
                await AnswerErrorAsync();
            }
            else if (_chunkedAnswer && _failure is RequestOutcome.Timeout or RequestOutcome.IdleTimeout)
            {
                await EndLateAnswerAsync();
            }
        }
        var cut = _failure is RequestOutcome.Truncated or RequestOutcome.ClientAborted || (_failure != RequestOutcome.Forwarded && _answeredByInstance);
        if (cut)
        {
            _keepAlive = false;
            _client.Close(reset: true);
        }
        if (_record is { } record)
        {
            EndRecord(record);
        }
        // The slot first: what the client still sends is no concern of the instance.
        var upload = StopUpload();
        ReleaseUpstream(_failure == RequestOutcome.Forwarded && _upstreamReusable);
        ReleaseSlot();
        if (!upload.IsCompletedSuccessfully)
        {
            await EndUploadAsync(upload);
        }
        _keepAlive &= _requestBody.Done; // the rest of a body must not be read as a request
        _core.Telemetry.Ended(_failure, _facts, _gate?.Key, _started);
        if (!cut && !_keepAlive && _mustLinger)
        {
            await LingerAsync();
        }
    }

    private void ReleaseUpstream(bool reusable)
    {
        if (_upstream is not { } upstream)
        {
            return;
        }
        _upstream = null;
        if (reusable)
        {
            upstream.Return(_now);
        }
        else
        {
            upstream.Discard();
        }
    }

    private void ReleaseSlot()
    {
        if (_instance is { } instance)
        {
            _instance = null;
            _gate!.Release(instance, _upgraded);
        }
    }

    /// <summary>The end of the connection; after a defect in the middle of a request there is all of it to give back.</summary>
    private async ValueTask CloseAsync()
    {
        lock (_sync)
        {
            _phase = Phase.Busy;
        }
        var upload = StopUpload();
        ReleaseUpstream(reusable: false);
        ReleaseSlot();
        if (!_handedOver)
        {
            _client.Close();
        }
        if (!upload.IsCompletedSuccessfully)
        {
            await upload.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // it uses the buffer; both its connections are closed
        }
        _core.Ended(this);
        if (!_client.ReceiveBegun || _client.ReceiveDone)
        {
            _input.Return();
        }
        _output.Return();
    }
}
