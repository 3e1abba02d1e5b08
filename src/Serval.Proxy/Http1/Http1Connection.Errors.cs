using System.Text;

namespace Serval.Proxy;

/// <summary>The proxy's own answers.</summary>
internal sealed partial class Http1Connection
{
    private string _networkHash = "";
    private string _location = "";

    private async ValueTask AnswerErrorAsync()
    {
        _now = _core.Options.TimeProvider.GetTimestamp();
        if (_started == 0 || _request.Length == 0 || _failure is RequestOutcome.BadRequest or RequestOutcome.HeadTooLarge or RequestOutcome.ExpectationFailed)
        {
            _started = _now;
            _keepAlive = false; // where this request ends is not known
            _mustLinger = true;
        }
        if (!_requestBody.Done)
        {
            _keepAlive = false;
        }
        _answered = true;
        _facts.Status = Outcomes.Of(_failure).Status;
        if (_failure == RequestOutcome.ProbeAnswered)
        {
            ComposeProbeAnswer();
        }
        else
        {
            ComposeError();
        }
        if (!await SendToClientAsync(_output.Written))
        {
            _keepAlive = false;
        }
    }

    private void ComposeProbeAnswer()
    {
        _output.Clear();
        _output.Append(Encoding.Latin1.GetBytes(
            $"HTTP/1.1 200 OK\r\n{(_networkHash.Length > 0 ? $"K-Network-Hash: {_networkHash}\r\n" : "")}{ConnectionLine()}Content-Length: 0\r\n\r\n"));
    }

    private void ComposeError()
    {
        var text = ErrorText.Of(_failure, _gate?.Key, ErrorText.Cause(_failure, _gate, _core.Options), _facts.WantsJson, out var contentType);
        var info = Outcomes.Of(_failure);
        var head = $"HTTP/1.1 {info.Status} {ErrorText.Phrase(info.Status)}\r\n"
            + $"Serval-Error: {info.Reason}\r\nContent-Type: {contentType}\r\nContent-Length: {text.Length}\r\n"
            + (_failure == RequestOutcome.Redirected ? $"Location: {_location}\r\n" : "")
            + (_failure == RequestOutcome.QueueFull ? "Retry-After: 1\r\n" : "")
            + $"Date: {_core.Options.TimeProvider.GetUtcNow():r}\r\n{ConnectionLine()}\r\n";
        _output.Clear();
        _output.Append(Encoding.Latin1.GetBytes(head));
        if (!_facts.IsHead)
        {
            _output.Append(text);
            _bodyBytes += text.Length;
        }
    }

    private string ConnectionLine() => !_keepAlive ? "Connection: close\r\n" : _facts.Http10 ? "Connection: keep-alive\r\n" : "";
}
