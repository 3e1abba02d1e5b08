using Serval.Api;
using Serval.ApiServer.Store;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>A ResourceQuota bounds what the pods of its namespace ask for, whoever makes them and however many at a time.</summary>
public sealed class QuotaTests : IAsyncLifetime
{
    private OpenedStore _opened = null!;

    public async Task InitializeAsync() => _opened = await OpenedStore.OpenAsync(new StoreOptions());

    public async Task DisposeAsync() => await _opened.DisposeAsync();

    [Theory]
    [InlineData("""{"cpu":"50m"}""", """{"requests":{"cpu":"200m"},"limits":{"cpu":"500m"}}""", """pods "p" is forbidden: exceeded quota: q, requested: cpu=200m, used: cpu=0, limited: cpu=50m""")]
    [InlineData("""{"requests.memory":"1Gi","limits.cpu":"1","pods":"0"}""", """{"requests":{"memory":"2Gi"},"limits":{"cpu":"500m"}}""",
        """pods "p" is forbidden: exceeded quota: q, requested: pods=1,requests.memory=2Gi, used: pods=0,requests.memory=0, limited: pods=0,requests.memory=1Gi""")]
    [InlineData("""{"limits.memory":"1Gi","cpu":"1"}""", "{}", """pods "p" is forbidden: failed quota: q: must specify cpu for: main; limits.memory for: main""")]
    public async Task Pod_BeyondTheQuota_IsForbiddenInKubernetesWords(string hard, string resources, string message)
    {
        await QuotaAsync(hard);
        var refusal = await Assert.ThrowsAsync<ApiException>(() => CreateAsync("p", resources));
        Assert.Equal((403, "Forbidden", message), (refusal.Code, refusal.Reason, refusal.Message));
    }

    [Fact]
    public async Task Quota_CountsWhatIsThere_AndNotWhatEnded()
    {
        await CreateAsync("before", """{"requests":{"cpu":"600m"}}""");
        await QuotaAsync("""{"requests.cpu":"1"}""");
        var refusal = await Assert.ThrowsAsync<ApiException>(() => CreateAsync("p", """{"requests":{"cpu":"500m"}}"""));
        Assert.Contains("used: requests.cpu=600m", refusal.Message, StringComparison.Ordinal);
        await _opened.Client.PatchAsync(Kinds.Pod, new ObjectKey("facts", "before"), Merge("""{"status":{"phase":"Succeeded"}}"""), Status);
        await CreateAsync("p", """{"requests":{"cpu":"500m"}}""");
        await CreateAsync("r", """{"requests":{"cpu":"500m"}}""", Write with { DryRun = true });
        await CreateAsync("r", """{"requests":{"cpu":"500m"}}""");
    }

    [Fact]
    public async Task Pods_MadeAtATime_DoNotExceedItTogether()
    {
        await QuotaAsync("""{"pods":"10"}""");
        var made = await Task.WhenAll(Enumerable.Range(0, 60).Select(async i =>
        {
            try
            {
                await Task.Run(() => CreateAsync($"p{i}", "{}"));
                return 1;
            }
            catch (ApiException e) when (e.Code == 403)
            {
                return 0;
            }
        }));
        Assert.InRange(_opened.Client.Cache(Kinds.Pod).List().Count, 1, 10);
        Assert.Equal(made.Sum(), _opened.Client.Cache(Kinds.Pod).List().Count);
    }

    private Task QuotaAsync(string hard) => _opened.Client.CreateAsync(
        Kinds.ResourceQuota, Parse($$"""{"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"q","namespace":"facts"},"spec":{"hard":{{hard}} } }"""), Write);

    private Task CreateAsync(string name, string resources, WriteOptions? options = null) => _opened.Client.CreateAsync(
        Kinds.Pod,
        Parse($$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{name}}}","namespace":"facts"},"spec":{"containers":[{"name":"main","image":"i:1","resources":{{{resources}}}}]}}"""),
        options ?? Write);
}
