using System.IO.Pipelines;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Serval.ApiServer.Proxying;

namespace Serval.ApiServer.Tests.Proxying;

/// <summary>How many pages are held for their links.</summary>
public sealed class ProxyBodyTests
{
    private const string Page = "<a href=\"/x\">";
    private const string Rewritten = "<a href=\"/p/x\">";
    private readonly ProxyBody _bodies = new(most: 1);

    [Fact]
    public async Task Page_HoldsAPlace_FromItsFirstByteToItsLast()
    {
        var (source, client) = (new Pipe(), new Pipe(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1)));
        var first = CopyAsync(source.Reader.AsStream(), client.Writer.AsStream());
        Assert.Equal(Page, await CopyAsync(Page)); // the first one is being read: this one has no place

        await source.Writer.WriteAsync(Encoding.ASCII.GetBytes(Page));
        await source.Writer.CompleteAsync();
        var written = await client.Reader.ReadAsync();
        Assert.Equal(Rewritten, Encoding.ASCII.GetString(written.Buffer));
        Assert.Equal(Page, await CopyAsync(Page)); // its client has not taken it yet

        client.Reader.AdvanceTo(written.Buffer.End);
        await first;
        Assert.Equal(Rewritten, await CopyAsync(Page));
    }

    [Fact]
    public async Task Page_ThatBreaksOff_LeavesItsPlace()
    {
        var source = new Pipe();
        var broken = CopyAsync(source.Reader.AsStream(), Stream.Null);
        await source.Writer.CompleteAsync(new IOException("gone"));
        await Assert.ThrowsAsync<IOException>(() => broken);
        Assert.Equal(Rewritten, await CopyAsync(Page));
    }

    private async Task<string> CopyAsync(string page)
    {
        using var to = new MemoryStream();
        await CopyAsync(new MemoryStream(Encoding.ASCII.GetBytes(page)), to);
        return Encoding.ASCII.GetString(to.ToArray());
    }

    private async Task CopyAsync(Stream from, Stream to)
    {
        using var answer = new HttpResponseMessage { Content = new StreamContent(from) };
        answer.Content.Headers.ContentType = new MediaTypeHeaderValue("text/html");
        await _bodies.CopyAsync(answer, new DefaultHttpContext { Response = { Body = to } }.Response, new ProxyLinks("/p", "10.0.0.1:80", "server"), CancellationToken.None);
    }
}
