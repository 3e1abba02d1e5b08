using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>One request of an HTTP/2 client: the same routes, gates and holds; forwarded through the framework's client.</summary>
internal sealed class Http2Exchange(IProxyCore core, HandlerUpstream upstream, HttpContext context)
{
    private const int BufferSize = 16 * 1024;
    private const int MaxHost = 300;
    private readonly long _started = core.Options.TimeProvider.GetTimestamp();
    private RequestOutcome _failure;
    private CompiledBackend? _backend;
    private Instance? _instance;
    private int _attempts;
    private bool _mayEndLate;
    private string? _instanceId; // of the last one tried
    private long _bodyBytes; // of the answer

    public async Task RunAsync()
    {
        var host = context.Request.Host.Value ?? "";
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var local = context.Features.GetRequiredFeature<HandedConnection>().Inside;
        if (IsProbe())
        {
            _failure = RequestOutcome.ProbeAnswered;
        }
        else if (target.AsSpan().ContainsAnyInRange('\0', ' ') || target.Contains('\u007f', StringComparison.Ordinal))
        {
            _failure = RequestOutcome.BadRequest; // what cannot be said in a request line of HTTP/1.1 is not said in HTTP/2 either
        }
        else if (Route(host, target, local) is not { } rule)
        {
            _failure = RequestOutcome.NoRoute;
        }
        else if (rule.RedirectsToHttps && !context.Request.IsHttps && !local)
        {
            _failure = RequestOutcome.Redirected;
            context.Response.Headers.Location = ErrorText.HttpsUrl(host, core.HttpsPort, target);
        }
        else if ((_backend = rule.Pick(core.Picker)) is null)
        {
            _failure = RequestOutcome.NoEndpoint;
        }
        else
        {
            await ForwardAsync(_backend.Gate, host, target);
        }
        await EndAsync(host + target);
        if (core.RequestLog is { } log)
        {
            Log(log, host, target);
        }
    }

    private bool IsProbe() => context.Request.Headers["K-Network-Probe"] is [{ } first, ..] && first == "probe";

    private async Task ForwardAsync(Gate gate, string host, string target)
    {
        using var clock = new ExchangeClock(gate.Policy, core.Options, context.RequestAborted);
        try
        {
            do
            {
                await EnterAsync(gate, clock);
            }
            while (_failure == RequestOutcome.Forwarded && !await TrySendAsync(gate, clock, host, target));
        }
        finally
        {
            Release(gate);
        }
    }

    private CompiledRule? Route(string host, string target, bool local)
    {
        if (host.Length is 0 or > MaxHost || target.Length == 0)
        {
            return null;
        }
        var query = target.IndexOf('?', StringComparison.Ordinal);
        var path = Encoding.Latin1.GetBytes(query < 0 ? target : target[..query]);
        return core.Snapshot.Match(host, path, new ContextHeaders(context.Request.Headers), local, redirects: !context.Request.IsHttps && !local);
    }

    private async Task EnterAsync(Gate gate, ExchangeClock clock)
    {
        if (_attempts == 0 && gate.TryEnter(out _instance))
        {
            return;
        }
        if (gate.Hold(_attempts > 0, out var refusal) is not { } waiter)
        {
            _failure = refusal;
            return;
        }
        using var cancel = clock.Token.UnsafeRegister(
            _ => gate.Cancel(waiter, clock.Why == RequestOutcome.ClientAborted ? RequestOutcome.ClientAborted : RequestOutcome.NoEndpointTimeout), null);
        var admission = await waiter.Settled;
        (_instance, _failure) = (admission.Instance, admission.Refusal);
    }

    /// <summary>False when the instance refused the connection and the request is to be held again.</summary>
    private async Task<bool> TrySendAsync(Gate gate, ExchangeClock clock, string host, string target)
    {
        _instanceId = _instance!.Id;
        var content = HasBody() ? new BodyContent(context.Request, clock) : null;
        using var request = Compose(gate.Policy.Protocol == BackendProtocol.H2c, host, target, content);
        if (!HandlerUpstream.TrySetHost(request, _backend!.RewriteHost.Length > 0 ? _backend.RewriteHost : host))
        {
            _failure = RequestOutcome.BadRequest;
            return true;
        }
        try
        {
            clock.NoteActivity();
            using var response = await upstream.SendAsync(request, clock.Token);
            gate.MarkGood(_instance!);
            clock.ResponseStarted();
            await RelayAsync(response, clock);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            _mayEndLate = !clock.WaitsForClient && context.Response.ContentLength is null;
            return !TryAgain(gate, clock, e, content);
        }
        return true;
    }

    private bool TryAgain(Gate gate, ExchangeClock clock, Exception e, BodyContent? content)
    {
        _failure = clock.Why
            ?? (context.Response.HasStarted ? RequestOutcome.Truncated
            : HandlerUpstream.FailureOf(e) is var failure && failure == RequestOutcome.UpstreamReset && context.RequestAborted.IsCancellationRequested
                ? RequestOutcome.ClientAborted : failure);
        if (_failure != RequestOutcome.UpstreamReset || e is not HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } || content is { Begun: true })
        {
            return false;
        }
        gate.MarkFailed(_instance!);
        Release(gate);
        _failure = gate.Key.Kind == BackendKind.Service && ++_attempts >= Http1Connection.MaxServiceAttempts ? RequestOutcome.UpstreamConnect : RequestOutcome.Forwarded;
        _attempts = Math.Max(1, _attempts);
        return _failure == RequestOutcome.Forwarded;
    }

    private HttpRequestMessage Compose(bool http2, string host, string target, BodyContent? content)
    {
        var request = HandlerUpstream.NewRequest(context.Request.Method, _instance!, target, http2);
        request.Content = content;
        foreach (var (name, values) in context.Request.Headers)
        {
            if (!name.StartsWith(':') && HandlerUpstream.IsPassedOn(name) && !_backend!.Replaces(name) && (content is not null || name != "Content-Length"))
            {
                foreach (var value in values)
                {
                    HandlerUpstream.AddHeader(request, name, value);
                }
            }
        }
        AddForwarded(request, host);
        foreach (var (name, value) in _backend!.Headers)
        {
            HandlerUpstream.AddHeader(request, name, value);
        }
        if (context.Request.Headers.TE == "trailers")
        {
            request.Headers.TryAddWithoutValidation("TE", "trailers");
        }
        return request;
    }

    private void AddForwarded(HttpRequestMessage request, string host)
    {
        var client = new ClientIdentity(ClientAddress(), inside: false, context.Request.IsHttps);
        var headers = context.Request.Headers;
        Replace("X-Forwarded-For", Joined("X-Forwarded-For", Encoding.ASCII.GetString(client.Address)));
        Replace("Forwarded", Joined("Forwarded", $"{Encoding.ASCII.GetString(client.ForwardedFor)};host=\"{host}\";proto={context.Request.Scheme}"));
        if (!headers.ContainsKey("X-Forwarded-Proto"))
        {
            Replace("X-Forwarded-Proto", context.Request.Scheme);
        }
        if (!headers.ContainsKey("X-Forwarded-Host"))
        {
            Replace("X-Forwarded-Host", host);
        }

        string Joined(string name, string own) => string.Join(", ", [.. headers[name].OfType<string>(), own]);

        void Replace(string name, string value)
        {
            if (!_backend!.Headers.ContainsKey(name))
            {
                request.Headers.Remove(name);
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }
    }

    private async Task RelayAsync(HttpResponseMessage response, ExchangeClock clock)
    {
        context.Response.StatusCode = (int)response.StatusCode;
        foreach (var (name, values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
        {
            if (HandlerUpstream.IsPassedOn(name))
            {
                context.Response.Headers[name] = values.Count == 1 ? values.ToString() : values.ToArray();
            }
        }
        var buffer = new byte[BufferSize];
        var body = await response.Content.ReadAsStreamAsync(clock.Token);
        var reading = body.ReadAsync(buffer, clock.Token);
        if (!reading.IsCompleted)
        {
            // The headers do not wait for the body. Where there is neither body nor wait they go with the trailers, as gRPC wants it.
            await clock.WatchWriteAsync(context.Response.BodyWriter.FlushAsync(clock.Token));
        }
        for (var read = await reading; read > 0; read = await body.ReadAsync(buffer, clock.Token))
        {
            clock.NoteActivity();
            _bodyBytes += read;
            await clock.WatchWriteAsync(context.Response.BodyWriter.WriteAsync(buffer.AsMemory(0, read), clock.Token));
        }
        if (context.Features.Get<IHttpResponseTrailersFeature>() is { } trailers)
        {
            foreach (var (name, values) in response.TrailingHeaders.NonValidated)
            {
                trailers.Trailers[name] = values.ToArray();
            }
        }
    }

    private async Task EndAsync(string url)
    {
        if (_mayEndLate && context.Response.HasStarted && _failure is RequestOutcome.Timeout or RequestOutcome.IdleTimeout)
        {
            context.Response.BodyWriter.Write(ErrorText.LateAnswer); // sent with the end; nobody waits for the client
        }
        else if (_failure == RequestOutcome.Truncated || (_failure != RequestOutcome.Forwarded && context.Response.HasStarted))
        {
            context.Abort();
        }
        else if (_failure == RequestOutcome.ProbeAnswered)
        {
            context.Response.ContentLength = 0;
            context.Response.Headers["K-Network-Hash"] = context.Request.Headers["K-Network-Hash"];
        }
        else if (_failure != RequestOutcome.Forwarded && Outcomes.Of(_failure).Status is > 0 and var status)
        {
            await AnswerErrorAsync(status);
        }
        var facts = new RequestFacts { Status = context.Response.StatusCode, Url = url };
        core.Telemetry.Ended(_failure, facts, _backend?.Gate.Key, _started);
    }

    private async Task AnswerErrorAsync(int status)
    {
        var json = context.Request.Headers.Accept.ToString().Contains("json", StringComparison.Ordinal);
        var gate = _backend?.Gate;
        var text = ErrorText.Of(_failure, gate?.Key, ErrorText.Cause(_failure, gate, core.Options), json, out var type);
        var response = context.Response;
        response.StatusCode = status;
        response.Headers["Serval-Error"] = Outcomes.Of(_failure).Reason;
        response.Headers.RetryAfter = _failure == RequestOutcome.QueueFull ? "1" : default;
        response.ContentType = type;
        response.ContentLength = text.Length;
        await response.BodyWriter.WriteAsync(text); // small enough for the server's buffer; the date is the server's
    }

    private void Release(Gate gate)
    {
        if (_instance is { } instance)
        {
            _instance = null;
            gate.Release(instance);
        }
    }

    private void Log(IRequestLog log, string host, string target)
    {
        var record = new RequestRecord
        {
            Method = context.Request.Method, Target = Text(target), Host = Text(host), Protocol = "HTTP/2.0", // as Go's net/http names it
            Client = new System.Net.IPEndPoint(ClientAddress(), context.Connection.RemotePort),
            ContentLength = context.Request.ContentLength ?? (HasBody() ? -1 : 0),
        };
        foreach (var name in RequestRecord.HeadersFor(log))
        {
            if (context.Request.Headers.TryGetValue(name, out var values))
            {
                record.Headers[name] = Text(values[0] ?? "");
            }
        }
        record.End(
            log, _backend?.Gate.Key, _instanceId, context.Response.StatusCode, _bodyBytes, core.Options.TimeProvider.GetElapsedTime(_started));
    }

    /// <summary>A character stands for a byte in what came, so that any byte is passed on.</summary>
    private static string Text(string came) => Ascii.IsValid(came) ? came : Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(came));

    private bool HasBody() => context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true;

    private System.Net.IPAddress ClientAddress()
    {
        var ip = context.Connection.RemoteIpAddress ?? System.Net.IPAddress.None;
        return ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip;
    }

    private readonly struct ContextHeaders(IHeaderDictionary headers) : IRequestHeaders
    {
        public bool Has(string name, ReadOnlySpan<byte> value)
        {
            foreach (var one in headers[name])
            {
                if (one is not null && value.SequenceEqual(Encoding.UTF8.GetBytes(one)))
                {
                    return true;
                }
            }
            return false;
        }
    }
}
