using Serval.Api;

namespace Serval.Signals.Tests;

/// <summary>Whom the cluster is asked about, when many come at once.</summary>
public sealed class SignalAccessTests : IAsyncLifetime
{
    private static readonly SignalRight s_right = SignalRight.ToNode("n1");
    private readonly World _world = new();
    private readonly SignalAccess _access;
    private readonly string _friend;

    public SignalAccessTests()
    {
        _access = new SignalAccess(_world.Kube, audience: null, _world.Time);
        _friend = $"Bearer {_world.Issue("")}";
    }

    public Task InitializeAsync() => AskAsync(_friend);

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task Strangers_TakeNoPlaceOfWhoWasLetInBefore()
    {
        _world.Time.Advance(TimeSpan.FromMinutes(2)); // he is asked about again
        var answers = new TaskCompletionSource();
        _world.Kube.AnswersWhen = answers.Task;
        var strangers = Enumerable.Range(0, SignalAccess.MostQuestions).Select(i => AskAsync($"Bearer stranger-{i}")).ToList();
        Assert.Equal(429, (await Assert.ThrowsAsync<ApiException>(() => AskAsync("Bearer another"))).Code);

        var friend = AskAsync(_friend);
        answers.SetResult();

        Assert.Equal("system:serviceaccount:knative-serving:serval-reader", await friend);
        foreach (var stranger in strangers)
        {
            Assert.Equal(401, (await Assert.ThrowsAsync<ApiException>(() => stranger)).Code);
        }
    }

    [Fact]
    public async Task Strangers_AreForgottenFirst()
    {
        for (var i = 0; i < SignalAccess.MostKnown; i++)
        {
            await Assert.ThrowsAsync<ApiException>(() => AskAsync($"Bearer stranger-{i}"));
            _world.Time.Advance(TimeSpan.FromMilliseconds(1));
        }
        _world.Asked.Clear();
        await AskAsync(_friend);
        await Assert.ThrowsAsync<ApiException>(() => AskAsync($"Bearer stranger-{SignalAccess.MostKnown - 1}"));
        Assert.Empty(_world.Asked);
        await Assert.ThrowsAsync<ApiException>(() => AskAsync("Bearer stranger-0")); // the oldest
        Assert.Equal(["TokenReview"], _world.Asked);
    }

    private Task<string> AskAsync(string authorization) => _access.CheckAsync(authorization, s_right, CancellationToken.None);
}
