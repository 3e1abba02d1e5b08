using System.Text.Json.Nodes;
using Serval.Api;
using Serval.ApiServer.Patches;
using Serval.ApiServer.Store;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>Kinds that come while the store is open, go, and come again.</summary>
public sealed class CustomKindTests : IDisposable
{
    private static readonly ObjectKey s_key = new("facts", "a");

    private readonly ScratchDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Objects_SurviveARestart_AlsoBeforeTheirKindIsKnownAgain()
    {
        string stored;
        await using (var first = await OpenAsync())
        {
            var kind = Define(first);
            stored = (await first.Client.CreateAsync(kind, Widget("a"), Write)).Metadata.ResourceVersion;
            await first.Create("beside");
        }
        await using (var without = await OpenAsync())
        {
            await without.Touch("beside", "changed");
            Assert.Null(without.Client.ServedKinds.FindPlural("example.com", "v1", "widgets"));
        }
        await using var again = await OpenAsync();
        var widgets = Define(again);
        var found = await again.Client.GetAsync(widgets, s_key);
        Assert.Equal((stored, "round"), (found.Metadata.ResourceVersion, found.Text("spec", "shape")));
        var patched = await again.Client.PatchAsync(widgets, s_key, Merge("""{"spec":{"shape":"flat"}}"""), Write);
        Assert.Equal(("flat", 2), (patched.Text("spec", "shape"), patched.Metadata.Generation));
        await using var watch = new WatchReader(ct => again.Client.WatchAsync(widgets, "facts", new WatchOptions { ResourceVersion = stored }, ct));
        Assert.Equal(["Modified a"], await watch.TakeAsync(1));
    }

    /// <summary>What is stored is enough: nobody has to look at a definition again before its objects are there.</summary>
    [Fact]
    public async Task ADefinition_IsServedAgain_FromTheFirstMoment()
    {
        await using (var first = await OpenAsync())
        {
            await first.Client.CreateAsync(Kinds.CustomResourceDefinition, Parse("""
                {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.example.com"},
                 "spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget"},"versions":[{"name":"v1","served":true,"storage":true,
                  "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"shape":{"type":"string"}}}}}}}]}}
                """), Write);
            Assert.Null(first.Client.ServedKinds.Find("example.com/v1", "Widget"));
            await first.Client.PatchAsync(Kinds.CustomResourceDefinition, ObjectKey.Cluster("widgets.example.com"), Merge("""
                {"status":{"acceptedNames":{"plural":"widgets","kind":"Widget"},"conditions":[{"type":"Established","status":"True"}]}}
                """), Status);
            await first.Client.CreateAsync(first.Client.ServedKinds.Find("example.com/v1", "Widget")!, Widget("a"), Write);
        }
        await using var again = await OpenAsync();
        var kind = again.Client.ServedKinds.Find("example.com/v1", "Widget")!;
        Assert.Equal("round", (await again.Client.GetAsync(kind, s_key)).Text("spec", "shape"));
        await Refused(422, () => again.Client.CreateAsync(kind, Widget("b").With(t => t["spec"]!["shape"] = 1), Write));
    }

    /// <summary>Clients create an object as soon as they see that its definition is established.</summary>
    [Fact]
    public async Task AKind_IsServed_BeforeAnybodySeesThatItsDefinitionIsEstablished()
    {
        await using var opened = await OpenAsync();
        var seen = new List<bool>();
        opened.Store.Kinds.Changed += _ => seen.Add(
            opened.Client.Cache(Kinds.CustomResourceDefinition).Get(ObjectKey.Cluster("widgets.example.com"))?.ToTree()["status"]?["conditions"] is JsonArray { Count: > 0 });
        await DefineAsync(opened, "widgets", "Widget", """{"status":{"acceptedNames":{"plural":"widgets","kind":"Widget"},"conditions":[{"type":"Established","status":"True"}]}}""");
        Assert.Equal([false], seen);
        Assert.NotNull(opened.Client.ServedKinds.Find("example.com/v1", "Widget"));
    }

    [Fact]
    public async Task ACrash_KeepsWhatWasAcknowledged_OfANewKind()
    {
        ScratchDirectory copy;
        await using (var first = await OpenAsync())
        {
            await first.Client.CreateAsync(Define(first), Widget("a"), Write);
            copy = _directory.CopyDatabase();
            await first.Store.AbandonAsync();
        }
        using (copy)
        {
            await using var next = await OpenedStore.OpenAsync(new StoreOptions { Directory = copy.Path });
            Assert.Equal("a", Assert.Single(next.Client.Cache(Define(next)).List()).Metadata.Name);
        }
    }

    /// <summary>The log says more than the objects that are left.</summary>
    [Fact]
    public async Task AWatchThatResumesAfterARestart_HearsThatTheLastObjectWent()
    {
        string stored;
        await using (var first = await OpenAsync())
        {
            var kind = Define(first);
            stored = (await first.Client.CreateAsync(kind, Widget("a"), Write)).Metadata.ResourceVersion;
            await first.Client.DeleteAsync(kind, s_key, DeleteOptions.Background);
        }
        await using var again = await OpenAsync();
        var widgets = Define(again);
        await using var watch = new WatchReader(ct => again.Client.WatchAsync(widgets, "facts", new WatchOptions { ResourceVersion = stored }, ct));
        var heard = watch.TakeAsync(1);
        await again.Client.CreateAsync(widgets, Widget("b"), Write);
        Assert.Equal(["Deleted a"], await heard);
    }

    /// <summary>Somebody asked for it under the definition before, and it began under the next.</summary>
    [Fact]
    public async Task AWatchThatBeginsWhileItsDefinitionChanges_Ends()
    {
        await using var opened = await OpenAsync();
        var kind = Define(opened);
        await opened.Client.CreateAsync(kind, Widget("a"), Write);
        var late = opened.Client.WatchAsync(kind, "facts", new WatchOptions());
        Define(opened, "v1", "v2");
        await using var watch = new WatchReader(_ => late);
        Assert.True(await watch.EndsAsync());
    }

    [Fact]
    public async Task AnOwnersKind_IsTheOneThatIsServed_BeforeThoseThatWere()
    {
        await using var opened = await OpenAsync();
        var kinds = opened.Store.Kinds;
        var kind = Define(opened);
        var first = kinds.FindCustom("widgets.example.com")!;
        kinds.Set(first with { Namespaced = false });
        Assert.False(kinds.FindFormer("example.com/v1", "Widget")!.Namespaced);
        kinds.Set(first);
        Assert.Same(kind, kinds.FindFormer("example.com/v1", "Widget"));
        kinds.Set(first with { Versions = [.. first.Versions.Select(v => v with { Served = false })] });
        Assert.Null(kinds.Find("example.com/v1", "Widget"));
        Assert.Same(kind, kinds.FindFormer("example.com/v1", "Widget"));
    }

    /// <summary>A definition's status is not checked: neither the running server nor its next start may fail by it.</summary>
    [Theory]
    [InlineData("""{"status":{"acceptedNames":{"plural":"gadgets","kind":"Widget"},"conditions":[{"type":"Established","status":"True"}]}}""")]
    [InlineData("""{"status":{"acceptedNames":{"plural":"gadgets","kind":"Widget","shortNames":[1]},"conditions":[{"type":"Established","status":"True"}]}}""")]
    [InlineData("""{"status":{"acceptedNames":"gadgets","conditions":[{"type":"Established","status":"True"}]}}""")]
    [InlineData("""{"spec":{"versions":[]},"status":{"acceptedNames":{"plural":"gadgets","kind":"Gadget"},"conditions":[{"type":"Established","status":"True"}]}}""")]
    public async Task ABadDefinition_StandsInNobodysWay(string bad)
    {
        await using (var first = await OpenAsync())
        {
            await DefineAsync(first, "widgets", "Widget", """{"status":{"acceptedNames":{"plural":"widgets","kind":"Widget"},"conditions":[{"type":"Established","status":"True"}]}}""");
            var kind = first.Client.ServedKinds.FindPlural("example.com", "v1", "widgets")!;
            await DefineAsync(first, "gadgets", "Gadget", """{}""");
            await SpoilAsync(first, bad);
            await first.Client.CreateAsync(kind, Widget("a"), Write);
        }
        await using var again = await OpenAsync();
        var widgets = again.Client.ServedKinds.FindPlural("example.com", "v1", "widgets")!;
        Assert.Equal("round", (await again.Client.GetAsync(widgets, s_key)).Text("spec", "shape"));
        await again.Client.DeleteAsync(Kinds.CustomResourceDefinition, ObjectKey.Cluster("gadgets.example.com"), DeleteOptions.Background);
    }

    [Fact]
    public async Task Versions_AreViewsOfOneTable()
    {
        await using var opened = await OpenAsync();
        var v1 = Define(opened, "v1", "v2");
        var v2 = opened.Client.ServedKinds.FindPlural("example.com", "v2", "widgets")!;
        await opened.Client.CreateAsync(v2, Widget("a", "example.com/v2"), Write);
        Assert.Equal("example.com/v1", opened.Client.Cache(v1).Get(s_key)!.ApiVersion);
        await using var watch = new WatchReader(ct => opened.Client.WatchAsync(v2, "facts", new WatchOptions { AllowBookmarks = true }, ct));
        Assert.Equal("example.com/v2", (await watch.NextAsync()).Object.ApiVersion);
        Assert.Equal("example.com/v2", (await watch.NextAsync()).Object.ApiVersion); // the bookmark
        var updated = await opened.Client.UpdateAsync(v2, (await opened.Client.GetAsync(v2, s_key)).With(t => t["spec"]!["shape"] = "flat"), Write);
        Assert.Equal(("example.com/v2", "flat"), (updated.ApiVersion, updated.Text("spec", "shape")));
        var listed = (await opened.Client.ListAsync(v1, "facts", ListOptions.All)).Items;
        Assert.Equal(("example.com/v1", "flat"), (Assert.Single(listed).ApiVersion, listed[0].Text("spec", "shape")));
        Assert.Equal("example.com/v2", (await watch.NextAsync()).Object.ApiVersion);
        await Refused(422, () => opened.Client.CreateAsync(v1, Widget("b", "example.com/v2"), Write));
    }

    [Fact]
    public async Task AKindThatGoes_TakesNothingNew_AndEndsItsWatches()
    {
        await using var opened = await OpenAsync();
        var kind = Define(opened);
        var present = await opened.Client.CreateAsync(kind, Widget("a"), Write);
        await using var watch = new WatchReader(ct => opened.Client.WatchAsync(kind, "facts", new WatchOptions { ResourceVersion = present.Metadata.ResourceVersion }, ct));
        var ended = watch.EndsAsync();
        opened.Store.Kinds.Set(opened.Store.Kinds.FindCustom("widgets.example.com")! with { IsTerminating = true });
        Assert.True(await ended);
        var refused = await Refused(403, () => opened.Client.CreateAsync(kind, Widget("b"), Write));
        Assert.Equal("widgets.example.com \"b\" is forbidden: create not allowed while custom resource definition is terminating", refused.Message);
        await opened.Client.DeleteAsync(kind, s_key, DeleteOptions.Background);
        opened.Store.Kinds.Remove("widgets.example.com");
        await Refused(404, () => opened.Client.CreateAsync(kind, Widget("b"), Write));
        Assert.Null(opened.Client.ServedKinds.Find("example.com/v1", "Widget"));
        Assert.Same(kind, opened.Client.ServedKinds.FindFormer("example.com/v1", "Widget"));
        Assert.Same(kind, Define(opened));
        await opened.Client.CreateAsync(kind, Widget("b"), Write);
    }

    [Fact]
    public async Task ARefusedDisk_LeavesANewKindWithoutANumber()
    {
        await using var opened = await OpenAsync();
        var kind = Define(opened);
        await opened.Store.DoAsync(static d => d.Scalar($"PRAGMA max_page_count={d.Scalar("PRAGMA page_count")}"));
        await Refused(507, () => opened.Client.CreateAsync(kind, Widget("big").With(t => t["spec"]!["shape"] = new string('x', 200_000)), Write));
        await opened.Store.DoAsync(static d => d.Scalar("PRAGMA max_page_count=1000000"));
        await opened.Client.CreateAsync(kind, Widget("a"), Write);
        Assert.Equal(1, await opened.Store.DoAsync(static d => d.Scalar(
            "SELECT count(*) FROM objects o JOIN kinds k ON o.kind = k.id WHERE k.name = 'widgets.example.com'")));
    }

    private static async Task DefineAsync(OpenedStore opened, string plural, string kind, string status)
    {
        await opened.Client.CreateAsync(Kinds.CustomResourceDefinition, Parse($$$"""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"{{{plural}}}.example.com"},
             "spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"{{{plural}}}","kind":"{{{kind}}}"},"versions":[{"name":"v1","served":true,"storage":true,
              "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"shape":{"type":"string"} } } } } } }]}}
            """), Write);
        await opened.Client.PatchAsync(Kinds.CustomResourceDefinition, ObjectKey.Cluster($"{plural}.example.com"), Merge(status), Status);
    }

    /// <summary>Past every check, as a version with other rules could have stored it.</summary>
    private static Task SpoilAsync(OpenedStore opened, string bad)
    {
        var stored = opened.Client.Cache(Kinds.CustomResourceDefinition).Get(ObjectKey.Cluster("gadgets.example.com"))!;
        var spoilt = stored.With(tree => MergePatch.Apply(tree, (JsonObject)CanonicalJson.Parse(bad)!));
        return opened.Store.WriteAsync(new StoreWrite
        {
            Table = opened.Store.Table(Kinds.CustomResourceDefinition), Action = StoreAction.Replace, Key = stored.Key, Expected = stored.Version, Next = spoilt,
        });
    }

    private Task<OpenedStore> OpenAsync() => OpenedStore.OpenAsync(new StoreOptions { Directory = _directory.Path });

    /// <summary>Widgets; the first version is the kept one.</summary>
    private static ResourceKind Define(OpenedStore opened, params string[] versions)
    {
        versions = versions is [] ? ["v1"] : versions;
        opened.Store.Kinds.Set(new CustomResource
        {
            Group = "example.com", Plural = "widgets", Kind = "Widget", Namespaced = true,
            Versions = [.. versions.Select(v => new CustomVersion(v, Served: true, Stored: v == versions[0], new KindShape { Singular = "widget", ListKind = "WidgetList" }))],
        });
        return opened.Client.ServedKinds.FindPlural("example.com", versions[0], "widgets")!;
    }

    private static KubeObject Widget(string name, string apiVersion = "example.com/v1") => Parse(
        $$"""{"apiVersion":"{{apiVersion}}","kind":"Widget","metadata":{"name":"{{name}}","namespace":"facts"},"spec":{"shape":"round"} }""");
}
