using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Serval.Api;
using Serval.ApiServer.Http;
using Serval.Kube;

namespace Serval.ApiServer.Tests.Http;

/// <summary>A watch whose connection breaks at the moment there is nothing to send.</summary>
public sealed class BrokenConnectionTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Watch_ThatCannotWrite_EndsWithTheCause_AndLetsGo(bool atTheStart)
    {
        var clock = new ManualTime(DateTimeOffset.Parse("2026-03-01T12:00:00Z"));
        var objects = new FakeKubeClient(clock);
        await objects.CreateAsync(Kinds.Namespace, KubeObject.Parse("""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"one"}}"""u8.ToArray()), new WriteOptions());
        var handler = new WatchHandler(objects, new ApiServerOptions { DataDirectory = "", Client = objects, TimeProvider = clock }, default);
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpResponseBodyFeature>(new BrokenBody(atTheStart));
        var request = new ApiRequest(context, clock.GetUtcNow());
        var broken = await Assert.ThrowsAsync<IOException>(() => handler.WatchAsync(request, ResourcePath.Parse("/api/v1/namespaces", KindRegistry.BuiltIn)!.Value));
        Assert.Equal("the connection is gone", broken.Message);
        Assert.Equal(0, objects.OpenWatches);
    }

    private sealed class BrokenBody(bool atTheStart) : IHttpResponseBodyFeature
    {
        public Stream Stream => Stream.Null;

        public PipeWriter Writer { get; } = PipeWriter.Create(new BrokenStream());

        public void DisableBuffering()
        {
        }

        public Task StartAsync(CancellationToken cancellationToken = default) =>
            atTheStart ? Task.FromException(new IOException("the connection is gone")) : Task.CompletedTask;

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
            Task.FromException(new IOException("the connection is gone"));

        public Task CompleteAsync() => Task.CompletedTask;
    }

    private sealed class BrokenStream : MemoryStream
    {
        public override Task FlushAsync(CancellationToken cancellationToken) => Task.FromException(new IOException("the connection is gone"));
    }
}
