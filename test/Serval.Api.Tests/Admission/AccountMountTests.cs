using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Api.Core;

namespace Serval.Api.Tests.Admission;

/// <summary>Who finds the token of its account, and where.</summary>
public sealed class AccountMountTests
{
    private const string Plain = """{"spec":{"initContainers":[{"name":"i"}],"containers":[{"name":"a"},{"name":"b","volumeMounts":[{"name":"x","mountPath":"/x"}]}],"volumes":[{"name":"x","emptyDir":{}}]}}""";

    [Theory]
    [InlineData("", "{}", true)]
    [InlineData("spec.automountServiceAccountToken = false", "{}", false)]
    [InlineData("", """{"automountServiceAccountToken":false}""", false)]
    [InlineData("spec.automountServiceAccountToken = true", """{"automountServiceAccountToken":false}""", true)] // the pod's word counts
    public void Token_IsMounted_UnlessSomebodyDoesNotWantIt(string edits, string account, bool mounted)
    {
        var pod = Edits.Parse(Plain).Edit(edits);
        AccountMount.Add(pod, KubeObject.From(JsonNode.Parse(account)!.AsObject()), "abcde");
        var volume = KubeObject.From(pod).As<Pod>().Spec.Volumes.FirstOrDefault(v => v.Name == "kube-api-access-abcde");
        Assert.Equal(mounted, volume is not null && AccountMount.IsIt(volume));
        Assert.Equal(mounted ? 3 : 0, Mounts(pod).Count(m => m == "kube-api-access-abcde /var/run/secrets/kubernetes.io/serviceaccount"));
    }

    [Fact]
    public void ContainerWithSomethingThere_KeepsIt()
    {
        const string own = """{"spec":{"containers":[{"name":"a","volumeMounts":[{"name":"x","mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}]}],"volumes":[{"name":"x"}]}}""";
        var pod = Edits.Parse(own);
        AccountMount.Add(pod, null, "abcde");
        Assert.True(JsonNode.DeepEquals(Edits.Parse(own), pod));
    }

    [Fact]
    public void Volume_OfACopiedPod_IsUsedAgain()
    {
        var pod = Edits.Parse(Plain);
        AccountMount.Add(pod, null, "abcde");
        foreach (var container in pod["spec"]!["containers"]!.AsArray())
        {
            container!.AsObject().Remove("volumeMounts");
        }
        AccountMount.Add(pod, null, "fghij");
        Assert.Equal(2, pod["spec"]!["volumes"]!.AsArray().Count);
        Assert.All(Mounts(pod), m => Assert.StartsWith("kube-api-access-abcde ", m, StringComparison.Ordinal));
    }

    private static List<string> Mounts(JsonObject pod) =>
        [.. new[] { "initContainers", "containers" }.SelectMany(l => pod["spec"]![l]!.AsArray()).SelectMany(c => c!["volumeMounts"]?.AsArray() ?? []).Select(m => $"{m!["name"]} {m["mountPath"]}")];
}
