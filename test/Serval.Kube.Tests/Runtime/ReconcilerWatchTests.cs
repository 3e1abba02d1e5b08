using System.Text;
using Serval.Api;

namespace Serval.Kube.Tests.Runtime;

/// <summary>Whom an object no longer concerns has to hear of it: maps look at the state before as well.</summary>
public sealed class ReconcilerWatchTests
{
    [Theory]
    [InlineData(null, "", "")]
    [InlineData(null, "a", "a")]
    [InlineData("a", "a", "a")]
    [InlineData("a", "b", "a b")]
    [InlineData("a", "", "a")]
    [InlineData("", "a", "a")]
    public void Owned_ChangedController_EnqueuesBoth(string? before, string now, string expected) =>
        Assert.Equal(expected, Keys(ReconcilerWatch.Owned(Kinds.Pod, Kinds.ReplicaSet), before, now, name => name.Length == 0 ? "" :
            $$""","ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"{{name}}","uid":"u-{{name}}","controller":true}]"""));

    [Theory]
    [InlineData(null, "", "")]
    [InlineData(null, "a", "a")]
    [InlineData("a", "a", "a")]
    [InlineData("a", "b", "a b")]
    [InlineData("a", "", "a")]
    [InlineData("", "a", "a")]
    public void Labelled_ChangedLabel_EnqueuesBoth(string? before, string now, string expected) =>
        Assert.Equal(expected, Keys(ReconcilerWatch.Labelled(Kinds.Pod, "of"), before, now, name => name.Length == 0 ? "" : $$""","labels":{"of":"{{name}}"}"""));

    private static string Keys(ReconcilerWatch watch, string? before, string now, Func<string, string> metadata)
    {
        KubeObject Pod(string name) => KubeObject.Parse(Encoding.UTF8.GetBytes(
            $$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n1"{{metadata(name)}} } }"""));
        var change = new CacheChange(before is null ? WatchEventType.Added : WatchEventType.Modified, Pod(now), before is null ? null : Pod(before));
        return string.Join(' ', watch.Map(change).Select(k => k.Name).Order(StringComparer.Ordinal));
    }
}
