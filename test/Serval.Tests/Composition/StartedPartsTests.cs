using Serval.Composition;

namespace Serval.Tests.Composition;

public sealed class StartedPartsTests
{
    private readonly List<string> _ended = [];

    [Fact]
    public async Task APartThatFailsToStop_DoesNotKeepTheOthersFromIt()
    {
        var parts = new StartedParts();
        parts.Add(new Part(_ended, "store"));
        parts.Add(new Part(_ended, "node", fails: true));
        parts.Add(new Part(_ended, "door"));
        var e = await Assert.ThrowsAsync<InvalidOperationException>(async () => await parts.DisposeAsync());
        Assert.Equal("node", e.Message);
        Assert.Equal(["door", "node", "store"], _ended);
        await parts.DisposeAsync(); // once is enough
        Assert.Equal(3, _ended.Count);
    }

    [Fact]
    public async Task SeveralThatFail_AreAllTold()
    {
        var parts = new StartedParts();
        parts.Add(new Part(_ended, "store", fails: true));
        parts.Add(new Part(_ended, "node", fails: true));
        var e = await Assert.ThrowsAsync<AggregateException>(async () => await parts.DisposeAsync());
        Assert.Equal(["node", "store"], e.InnerExceptions.Select(i => i.Message));
    }

    private sealed class Part(List<string> ended, string name, bool fails = false) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            ended.Add(name);
            return fails ? ValueTask.FromException(new InvalidOperationException(name)) : ValueTask.CompletedTask;
        }
    }
}
