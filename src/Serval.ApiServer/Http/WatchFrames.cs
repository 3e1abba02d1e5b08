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
        if (change.Type != WatchEventType.Bookmark)
        {
            Frame(Name(change.Type), Body(change.Object, [change.Object], shape.Include));
        }
        else if (!_mark)
        {
            Frame("BOOKMARK"u8, Body(change.Object, [], shape.Include));
        }
        else
        {
            // In a table the mark stands on the object of a row: this bookmark has one, and with its metadata.
            _mark = false;
            var marked = Marked(change.Object);
            Frame("BOOKMARK"u8, Body(marked, [marked], shape.Include == IncludeObject.None ? IncludeObject.Metadata : shape.Include));
        }
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

    private ReadOnlyMemory<byte> Body(KubeObject obj, KubeObject[] rows, IncludeObject include) => shape.Form switch
    {
        ReplyForm.Table => Reply.Shaped(w => WriteTable(w, obj, rows, include)),
        ReplyForm.Metadata => Reply.Shaped(w => TableWriter.WriteMetadata(w, shape.Version, obj)),
        _ => obj.Json,
    };

    private void WriteTable(Utf8JsonWriter writer, KubeObject obj, KubeObject[] rows, IncludeObject include)
    {
        var position = new ListPosition(obj.Metadata.ResourceVersion);
        TableWriter.WriteTable(writer, shape.Version, TableLayouts.For(kind), rows, position, include, !_headersSent, clock.GetUtcNow());
        _headersSent = true;
    }

    private static KubeObject Marked(KubeObject bookmark) => bookmark.With(tree => tree.Below("metadata").Below("annotations")[InitialEnd] = "true");

    private static ReadOnlySpan<byte> Name(WatchEventType type) => type switch
    {
        WatchEventType.Added => "ADDED"u8,
        WatchEventType.Modified => "MODIFIED"u8,
        _ => "DELETED"u8,
    };
}
