using System.Text;

namespace Serval.Proxy;

/// <summary>From a parsed request to the bytes for the instance.</summary>
internal sealed partial class Http1Connection
{
    private const int MaxHostChars = 300;
    private const int MaxWholeBody = 16 * 1024;

    /// <summary>Routes the request and composes it; false when it ends here.</summary>
    private bool TryPrepare()
    {
        _started = _now = _core.Options.TimeProvider.GetTimestamp();
        var bytes = _input.Unread[.._request.Length];
        _firstRequest = false;
        _keepAlive = _request.KeepsAlive && !_core.Draining;
        TakeFacts(bytes);
        _record = _core.RequestLog is { } log ? Record(log, bytes) : null;
        var kind = _request.Chunked ? BodyKind.Chunked : _request.ContentLength > 0 ? BodyKind.Length : BodyKind.None;
        _requestBody.Reset(kind, _request.ContentLength);
        if (IsProbe(bytes))
        {
            _failure = RequestOutcome.ProbeAnswered;
        }
        else
        {
            _backend = Route(bytes);
            _gate = _backend?.Gate;
            _failure = _backend is null && _failure == RequestOutcome.Forwarded ? RequestOutcome.NoRoute : _failure;
        }
        if (_backend is not null)
        {
            SetDeadlines(_gate!.Policy);
            HeadComposer.Request(_output, bytes, _request, _backend, _identity, _facts.Upgrade);
            _http2Upstream = IsHttp2(_gate.Policy);
        }
        _input.Start += _request.Length;
        if (_failure == RequestOutcome.Forwarded && kind == BodyKind.Length && _request.ContentLength <= Math.Min(_input.Count, MaxWholeBody)
            && !_http2Upstream)
        {
            TakeWholeBody();
        }
        _facts.Repeatable &= _requestBody.Done;
        _mustLinger = !_requestBody.Done;
        _facts.WantsContinue &= !_requestBody.Done;
        return _failure == RequestOutcome.Forwarded;
    }

    private void TakeWholeBody()
    {
        var count = _requestBody.Decode(_input, out var offset);
        _output.Append(_input.Bytes.AsSpan(offset, count));
    }

    private CompiledBackend? Route(ReadOnlySpan<byte> bytes)
    {
        var host = bytes[_request.Host];
        if (host.Length is 0 or > MaxHostChars)
        {
            return null;
        }
        Span<char> chars = stackalloc char[MaxHostChars];
        var count = Encoding.Latin1.GetChars(host, chars);
        var target = bytes[_request.Target];
        var query = target.IndexOf((byte)'?');
        var path = query < 0 ? target : target[..query];
        var rule = _core.Snapshot.Match(chars[..count], path, new HeadHeaders(bytes, _request), _identity.Inside, _identity.TakesRedirects);
        if (rule is null)
        {
            return null;
        }
        if (rule.RedirectsToHttps && _identity.TakesRedirects)
        {
            _failure = RequestOutcome.Redirected;
            _location = ErrorText.HttpsUrl(chars[..count].ToString(), _core.HttpsPort, Encoding.Latin1.GetString(target));
            return null;
        }
        var backend = rule.Pick(_core.Picker);
        _failure = backend is null ? RequestOutcome.NoEndpoint : _failure;
        return backend;
    }

    private void TakeFacts(ReadOnlySpan<byte> bytes)
    {
        var method = bytes[_request.Method];
        _facts = new RequestFacts
        {
            IsHead = method.SequenceEqual("HEAD"u8),
            Http10 = _request.Http10,
            Repeatable = IsIdempotent(method),
            WantsContinue = _request.Expects100 && !_request.Http10,
            Upgrade = IsUpgrade(bytes),
            WantsJson = WantsJson(bytes),
            Url = _core.Telemetry.WantsUrl ? Encoding.Latin1.GetString(bytes[_request.Host]) + Encoding.Latin1.GetString(bytes[_request.Target]) : "",
        };
    }

    private bool IsProbe(ReadOnlySpan<byte> bytes)
    {
        foreach (ref readonly var field in _request.Fields)
        {
            if (field.Known == KnownHeader.NetworkProbe)
            {
                var isProbe = bytes.Slice(field.Value, field.ValueLength).SequenceEqual("probe"u8);
                _networkHash = isProbe ? ValueOf(bytes, KnownHeader.NetworkHash) : "";
                return isProbe;
            }
        }
        return false;
    }

    private string ValueOf(ReadOnlySpan<byte> bytes, KnownHeader known)
    {
        foreach (ref readonly var field in _request.Fields)
        {
            if (field.Known == known)
            {
                return Encoding.Latin1.GetString(bytes.Slice(field.Value, field.ValueLength));
            }
        }
        return "";
    }

    /// <summary>An upgrade to anything but HTTP/2, which would carry requests past the routes.</summary>
    private bool IsUpgrade(ReadOnlySpan<byte> bytes)
    {
        if (_request.Upgrade < 0 || (_request.Connection & ConnectionOptions.Upgrade) == 0 || _request.Http10 || _request.Chunked || _request.ContentLength > 0)
        {
            return false;
        }
        var field = _request.Fields[_request.Upgrade];
        return !HttpParser.HasToken(bytes.Slice(field.Value, field.ValueLength), "h2c"u8);
    }

    private bool WantsJson(ReadOnlySpan<byte> bytes)
    {
        foreach (ref readonly var field in _request.Fields)
        {
            if (field.Known == KnownHeader.Accept)
            {
                return bytes.Slice(field.Value, field.ValueLength).IndexOf("json"u8) >= 0;
            }
        }
        return false;
    }

    private static bool IsIdempotent(ReadOnlySpan<byte> method) => method.Length switch
    {
        3 => method.SequenceEqual("GET"u8) || method.SequenceEqual("PUT"u8),
        4 => method.SequenceEqual("HEAD"u8),
        5 => method.SequenceEqual("TRACE"u8),
        6 => method.SequenceEqual("DELETE"u8),
        7 => method.SequenceEqual("OPTIONS"u8),
        _ => false,
    };
}
