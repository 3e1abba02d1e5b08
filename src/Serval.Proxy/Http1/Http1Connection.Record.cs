using System.Net;
using System.Text;

namespace Serval.Proxy;

/// <summary>What the request log is told.</summary>
internal sealed partial class Http1Connection
{
    private RequestRecord? _record; // null while nobody logs
    private long _bodyBytes; // of the answer

    private RequestRecord Record(IRequestLog log, ReadOnlySpan<byte> bytes)
    {
        _bodyBytes = 0;
        var record = new RequestRecord
        {
            Method = Encoding.UTF8.GetString(bytes[_request.Method]),
            Target = Encoding.UTF8.GetString(bytes[_request.Target]),
            Host = Encoding.UTF8.GetString(bytes[_request.Host]),
            Protocol = _request.Http10 ? "HTTP/1.0" : "HTTP/1.1",
            Client = new IPEndPoint(_client.RemoteAddress, _client.RemotePort),
            ContentLength = _request.Chunked ? -1 : Math.Max(0, _request.ContentLength),
        };
        var headers = new HeadHeaders(bytes, _request);
        foreach (var name in RequestRecord.HeadersFor(log))
        {
            if (headers.Find(name) is { } value)
            {
                record.Headers[name] = value;
            }
        }
        return record;
    }

    private void EndRecord(RequestRecord record)
    {
        _record = null;
        record.End(
            _core.RequestLog, _gate?.Key, _instance?.Id, _facts.Status, _bodyBytes, _core.Options.TimeProvider.GetElapsedTime(_started));
    }
}
