using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Serval.Api;
using Serval.ApiServer.Tables;
using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>Writes the frames of one watch: <c>{"type":…,"object":…}</c> and a line feed.</summary>
internal sealed class WatchFrames(PipeWriter output, ResourceKind kind, ReplyShape shape, TimeProvider clock, bool markInitialEnd)
{
    private const string InitialEnd = "k8s.io/initial-events-end";

    private bool _headersSent;
    private bool _mark = markInitialEnd;

    public int Unflushed { get; private set; }

    public void Change(WatchEvent change)
    {
        var obj = change.Object;
        if (change.Type == WatchEventType.Bookmark && _mark)
        {
            _mark = false;
            obj = Marked(obj);
        }
        Frame(Name(change.Type), Body(change.Type, obj));
    }

    public void Error(ApiException error) => Frame("ERROR"u8, StatusDocument.Failure(error));

    public async Task FlushAsync(CancellationToken ct)
    {
        Unflushed = 0;
        await output.FlushAsync(ct);
    }

    private void Frame(ReadOnlySpan<byte> type, ReadOnlyMemory<byte> obj)
    {
        output.Write("{\"type\":\""u8);
        output.Write(type);
        output.Write("\",\"object\":"u8);
        output.Write(obj.Span);
        output.Write("}\n"u8);
        Unflushed += obj.Length + 32;
    }

    private ReadOnlyMemory<byte> Body(WatchEventType type, KubeObject obj) => shape.Form switch
    {
        ReplyForm.Table => Reply.Shaped(w => WriteTable(w, type, obj)),
        ReplyForm.Metadata => Reply.Shaped(w => TableWriter.WriteMetadata(w, obj)),
        _ => obj.Json,
    };

    private void WriteTable(Utf8JsonWriter writer, WatchEventType type, KubeObject obj)
    {
        var rows = type == WatchEventType.Bookmark ? Array.Empty<KubeObject>() : [obj];
        var position = new ListPosition(obj.Metadata.ResourceVersion);
        TableWriter.WriteTable(writer, TableLayouts.For(kind), rows, position, shape.Include, !_headersSent, clock.GetUtcNow());
        _headersSent = true;
    }

    private static KubeObject Marked(KubeObject bookmark) => bookmark.With(tree =>
    tree.Below("metadata").Below("annotations")[InitialEnd] = "true");

    private static ReadOnlySpan<byte> Name(WatchEventType type) => type switch
    {
        WatchEventType.Added => "ADDED"u8,
        WatchEventType.Modified => "MODIFIED"u8,
        WatchEventType.Deleted => "DELETED"u8,
        _ => "BOOKMARK"u8,
    };
}
