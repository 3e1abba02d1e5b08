using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Fields;
using Serval.Api.Tests.Fields;
using Serval.ApiServer.Apply;

namespace Serval.ApiServer.Tests.Apply;

/// <summary>
/// Who owns what after a row of writes. (The behaviours are those of structured-merge-diff's merge tests: nested, conflict, force, key, set,
/// leaf, multiple appliers, obsolete versions, schema change; and of apimachinery's field manager tests.)
/// </summary>
public sealed class FieldManagerTests
{
    private static FieldStory New => new();

    [Fact]
    public void Apply_OnNothing_CreatesAndOwnsTheConfiguration() => New
        .Apply("a", """{"text":"x","struct":{"number":1},"items":[{"name":"i","text":"y"}]}""")
        .Is("""{"text":"x","struct":{"number":1},"items":[{"name":"i","text":"y"}]}""")
        .Managers("""a Apply {"f:text":{},"f:struct":{"f:number":{}},"f:items":{"k:{\"name\":\"i\"}":{".":{},"f:name":{},"f:text":{}}}}""");

    [Fact]
    public void Apply_OfNothing_OwnsNothing()
    {
        Assert.Null(New.Apply("a", "{}").Managed);
    }

    [Fact]
    public void Apply_TheSameAgain_KeepsObjectAndTime()
    {
        var story = New.Apply("a", """{"text":"x"}""");
        var before = story.Managed!.ToJsonString();
        story.Apply("a", """{"text":"x"}""").Is("""{"text":"x"}""");
        Assert.Equal(before, story.Managed!.ToJsonString());
    }

    [Fact]
    public void Apply_AnotherValue_TakesALaterTime()
    {
        var story = New.Apply("a", """{"text":"x"}""");
        var before = (string?)story.Managed![0]!["time"];
        story.Apply("a", """{"text":"y"}""");
        Assert.NotEqual(before, (string?)story.Managed![0]!["time"]);
    }

    [Theory]
    [InlineData("""{"text":"x","number":1}""", """{"text":"x"}""", """{"text":"x"}""")]
    [InlineData("""{"struct":{"text":"x","number":1}}""", """{"struct":{"text":"x"}}""", """{"struct":{"text":"x"}}""")]
    [InlineData("""{"text":"x","struct":{"struct":{"text":"x"}}}""", """{"text":"x"}""", """{"text":"x"}""")]
    [InlineData("""{"struct":{"struct":{"text":"x","number":1}}}""", """{"struct":{"struct":{"number":1}}}""", """{"struct":{"struct":{"number":1}}}""")]
    [InlineData("""{"labels":{"a":"1","b":"2"}}""", """{"labels":{"b":"2"}}""", """{"labels":{"b":"2"}}""")]
    [InlineData("""{"labels":{"a":"1"},"text":"x"}""", """{"text":"x"}""", """{"text":"x"}""")]
    [InlineData("""{"items":[{"name":"a"},{"name":"b"}]}""", """{"items":[{"name":"b"}]}""", """{"items":[{"name":"b"}]}""")]
    [InlineData("""{"items":[{"name":"a","text":"x"}]}""", """{"items":[{"name":"a"}]}""", """{"items":[{"name":"a"}]}""")]
    [InlineData("""{"items":[{"name":"a"}],"text":"x"}""", """{"text":"x"}""", """{"text":"x"}""")]
    [InlineData("""{"items":[{"name":"a","struct":{"text":"x"}}]}""", """{"items":[{"name":"a"}]}""", """{"items":[{"name":"a"}]}""")]
    [InlineData("""{"set":[1,2]}""", """{"set":[2]}""", """{"set":[2]}""")]
    [InlineData("""{"list":[{"text":"x"}],"text":"x"}""", """{"text":"x"}""", """{"text":"x"}""")]
    [InlineData("""{"atomicMap":{"a":"1","b":"1"}}""", """{"atomicMap":{"b":"1"}}""", """{"atomicMap":{"b":"1"}}""")]
    [InlineData("""{"structs":{"a":{"text":"x"},"b":{"text":"x"}}}""", """{"structs":{"a":{"text":"x"}}}""", """{"structs":{"a":{"text":"x"}}}""")]
    [InlineData("""{"free":{"a":{"b":1,"c":2},"d":3}}""", """{"free":{"a":{"c":2}}}""", """{"free":{"a":{"c":2}}}""")]
    [InlineData("""{"ports":[{"port":80},{"port":80,"protocol":"UDP"}]}""", """{"ports":[{"port":80}]}""", """{"ports":[{"port":80}]}""")]
    public void Apply_WithoutWhatWasApplied_TakesItOut(string first, string second, string expected) =>
        New.Apply("a", first).Apply("a", second).Is(expected);

    [Theory]
    [InlineData("""{"text":"x","number":1}""", """{"text":"x"}""")]
    [InlineData("""{"labels":{"a":"1"}}""", """{"labels":{"a":"1","b":"2"}}""")]
    [InlineData("""{"items":[{"name":"a","text":"x"}]}""", """{"items":[{"name":"a","number":1}]}""")]
    [InlineData("""{"items":[{"name":"a"}]}""", """{"items":[{"name":"b"}]}""")]
    [InlineData("""{"set":[1]}""", """{"set":[2]}""")]
    [InlineData("""{"struct":{"text":"x"}}""", """{"struct":{"number":1}}""")]
    public void Apply_OfTwo_AgreesWhereNothingChanges(string first, string second)
    {
        var story = New.Apply("a", first).Apply("b", second);
        story.Tracks("a", "b").Is(TypedTree.Merge(TestTypes.Tree(first), TestTypes.Tree(second), TestTypes.All).ToJsonString());
    }

    [Theory]
    [InlineData("""{"text":"x"}""", """{"text":"y"}""", "\"a\" .text")]
    [InlineData("""{"struct":{"text":"x"}}""", """{"struct":{"text":"y"}}""", "\"a\" .struct.text")]
    [InlineData("""{"items":[{"name":"i","text":"x"}]}""", """{"items":[{"name":"i","text":"y"}]}""", "\"a\" .items[name=\"i\"].text")]
    [InlineData("""{"atomicMap":{"a":"1"}}""", """{"atomicMap":{"b":"1"}}""", "\"a\" .atomicMap")]
    [InlineData("""{"list":[]}""", """{"list":[{"text":"x"}]}""", "\"a\" .list")]
    [InlineData("""{"labels":{"a.b/c":"1"}}""", """{"labels":{"a.b/c":"2"}}""", "\"a\" .labels.a.b/c")]
    [InlineData("""{"free":{"a":[1]}}""", """{"free":{"a":[2]}}""", "\"a\" .free.a")]
    [InlineData("""{"ports":[{"port":80,"name":"x"}]}""", """{"ports":[{"port":80,"name":"y"}]}""", "\"a\" .ports[port=80,protocol=\"TCP\"].name")]
    public void Apply_OfAnother_ConflictsWhereItChanges(string first, string second, string conflict)
    {
        var story = New.Apply("a", first);
        var before = story.Live!.ToJsonString();
        Assert.Equal([conflict], story.Conflicts("b", second));
        Assert.Equal(before, story.Live!.ToJsonString());
    }

    [Fact]
    public void Apply_OverAnUpdate_ConflictsAndNamesTheVersion() =>
        Assert.Equal(["\"u\" using v1 .number", "\"u\" using v1 .text"], New.Update("u", """{"text":"x","number":1}""").Conflicts("a", """{"text":"y","number":2}"""));

    [Fact]
    public void Apply_OverTheSameManagersUpdate_Conflicts() =>
        Assert.Equal(["\"m\" using v1 .text"], New.Update("m", """{"text":"x"}""").Conflicts("m", """{"text":"y"}"""));

    [Fact]
    public void Apply_ByForce_TakesTheField() => New
        .Apply("a", """{"text":"x","number":1}""").Apply("b", """{"text":"y"}""", force: true)
        .Is("""{"text":"y","number":1}""").Managers("""a Apply {"f:number":{}}""", """b Apply {"f:text":{}}""");

    [Fact]
    public void Apply_ByForceOfAll_LeavesNothingToTheFirst() => New
        .Apply("a", """{"text":"x"}""").Apply("b", """{"text":"y"}""", force: true).Tracks("b");

    [Fact]
    public void Apply_AfterBeingForced_DoesNotTakeOutWhatIsNotItsOwn() => New
        .Apply("a", """{"text":"x","number":1}""").Apply("b", """{"text":"y"}""", force: true).Apply("a", """{"number":1}""")
        .Is("""{"text":"y","number":1}""").Managers("""a Apply {"f:number":{}}""", """b Apply {"f:text":{}}""");

    [Fact]
    public void Apply_GivesUpASharedField_ItStaysWithTheOther() => New
        .Apply("a", """{"text":"x","number":1}""").Apply("b", """{"text":"x"}""").Apply("a", """{"number":1}""")
        .Is("""{"text":"x","number":1}""");

    [Fact]
    public void Apply_GivesUpAnItemWhoseFieldAnotherOwns_TheItemStays() => New
        .Apply("a", """{"items":[{"name":"i","text":"x"}]}""").Apply("b", """{"items":[{"name":"i","number":1}]}""").Apply("a", """{"text":"t"}""")
        .Is("""{"text":"t","items":[{"name":"i","number":1}]}""");

    [Fact]
    public void Apply_GivesUpAnItemThatAnUpdaterFilled_TheItemGoes() => New
        .Apply("a", """{"items":[{"name":"i"}]}""").Update("u", """{"items":[{"name":"i","text":"x"}]}""").Apply("a", """{"text":"t"}""")
        .Is("""{"text":"t"}""");

    [Fact]
    public void Apply_GivesUpAStruct_DefaultsBelowItGoToo() => New
        .Apply("a", """{"struct":{"text":"x"}}""").Update("u", """{"struct":{"text":"x"}}""").Apply("a", "{}").Is("{}");

    [Fact]
    public void Apply_UpdaterChangedTheValue_GivingUpLeavesItAlone() => New
        .Apply("a", """{"text":"x","number":1}""").Update("u", """{"text":"y","number":1}""").Apply("a", """{"number":1}""")
        .Is("""{"text":"y","number":1}""");

    [Fact]
    public void Apply_OfAThird_ReclaimsNothingFromSharers() => New
        .Apply("a", """{"set":[1,2]}""").Apply("b", """{"set":[2,3]}""").Apply("c", """{"set":[3]}""").Apply("b", """{"set":[3]}""")
        .Is("""{"set":[1,2,3]}""");

    [Fact]
    public void Apply_LastSharerGivesUp_ItGoes() => New
        .Apply("a", """{"set":[1,2]}""").Apply("b", """{"set":[2,3]}""").Apply("a", """{"set":[1]}""").Apply("b", """{"set":[3]}""")
        .Is("""{"set":[1,3]}""");

    [Fact]
    public void Apply_NullForAField_OwnsIt() => New
        .Apply("a", """{"text":null,"number":1}""").Managers("""a Apply {"f:text":{},"f:number":{}}""").Is("""{"number":1}""");

    [Fact]
    public void Apply_EmptyStruct_OwnsIt() => New.Apply("a", """{"struct":{}}""").Is("""{"struct":{}}""").Managers("""a Apply {"f:struct":{}}""");

    [Fact]
    public void Apply_ReordersOnlyItsOwnItems() => New
        .Apply("a", """{"set":["x","y"]}""").Update("u", """{"set":["x","y","u"]}""").Apply("a", """{"set":["y","x"]}""")
        .Is("""{"set":["y","u","x"]}""");

    [Theory]
    [InlineData("""{"foo":1}""", ".foo: field not declared in schema")]
    [InlineData("""{"set":[1,1]}""", ".set: duplicate entries for key [=1]")]
    [InlineData("""{"number":"1","text":2}""", "errors:\n  .number: expected numeric (int or float), got string\n  .text: expected string, got number")]
    public void Apply_OfWhatIsNotOfTheType_IsRefused(string config, string problem)
    {
        var refused = Assert.Throws<ApiException>(() => New.Apply("a", config));
        Assert.Equal((400, $"failed to create typed patch object (/; /v1, Kind=): {problem}"), (refused.Code, refused.Message));
    }

    [Fact]
    public void Apply_ToALiveListThatCannotBeTold_IsRefused()
    {
        var story = New.Update("u", """{"items":[{"text":"nameless"}]}""", starts: false);
        Assert.Equal(400, Assert.Throws<ApiException>(() => story.Apply("a", """{"items":[{"name":"i"}]}""")).Code);
    }

    [Fact]
    public void Create_ByAnUpdater_OwnsEveryStep() => New
        .Update("u", """{"text":"x","struct":{"number":1},"items":[{"name":"i"}]}""")
        .Managers("""u Update {"f:text":{},"f:struct":{".":{},"f:number":{}},"f:items":{".":{},"k:{\"name\":\"i\"}":{".":{},"f:name":{}}}}""");

    [Fact]
    public void Update_OwnsWhatItChanges_OnTopOfWhatItHad() => New
        .Update("u", """{"text":"x"}""").Update("u", """{"text":"x","number":1}""")
        .Managers("""u Update {"f:text":{},"f:number":{}}""");

    [Fact]
    public void Update_TakesFromOthers() => New
        .Update("u", """{"text":"x","number":1}""").Update("v", """{"text":"y","number":1}""")
        .Managers("""u Update {"f:number":{}}""", """v Update {"f:text":{}}""");

    [Fact]
    public void Update_TakesFromAppliers() => New
        .Apply("a", """{"text":"x"}""").Update("u", """{"text":"y"}""").Managers("""u Update {"f:text":{}}""");

    [Fact]
    public void Update_RemovesFromAll() => New
        .Apply("a", """{"text":"x","number":1}""").Apply("b", """{"text":"x"}""").Update("u", """{"number":1}""")
        .Managers("""a Apply {"f:number":{}}""");

    [Fact]
    public void Update_OfNothing_IsNotRecorded()
    {
        var story = New.Update("u", """{"text":"x"}""");
        var before = story.Managed!.ToJsonString();
        story.Update("v", """{"text":"x"}""");
        Assert.Equal(before, story.Managed!.ToJsonString());
    }

    [Fact]
    public void Update_OfAnItem_TakesTheItemsFieldOnly() => New
        .Update("u", """{"items":[{"name":"i","text":"x"}]}""").Update("v", """{"items":[{"name":"i","text":"y"}]}""")
        .Managers("""u Update {"f:items":{".":{},"k:{\"name\":\"i\"}":{".":{},"f:name":{}}}}""", """v Update {"f:items":{"k:{\"name\":\"i\"}":{"f:text":{}}}}""");

    [Fact]
    public void Update_OfAnAtomicList_TakesItWhole() => New
        .Update("u", """{"list":[]}""").Update("v", """{"list":[{"text":"x"}]}""").Managers("""v Update {"f:list":{}}""");

    [Fact]
    public void Update_WithoutAName_IsUnknown() => New.Update("", """{"text":"x"}""").Tracks("unknown");

    [Fact]
    public void Update_BySubresource_IsAnEntryOfItsOwn() => New
        .Update("u", """{"text":"x"}""").Update("u", """{"text":"x","number":1}""", subresource: "status")
        .Managers("""u Update {"f:text":{}}""", """u Update/status {"f:number":{}}""");

    [Fact]
    public void Update_IgnoredFields_AreNobodys() => new FieldStory { Ignored = FieldSet.OfFields("struct") }
        .Update("u", """{"text":"x","struct":{"text":"x"}}""").Managers("""u Update {"f:text":{}}""");

    [Fact]
    public void Apply_IgnoredFields_AreNobodysAndNoConflict() => new FieldStory { Ignored = FieldSet.OfFields("struct") }
        .Update("u", """{"text":"x","struct":{"text":"x"}}""").Apply("a", """{"number":1,"struct":{"text":"y"}}""")
        .Managers("""a Apply {"f:number":{}}""", """u Update {"f:text":{}}""");

    [Fact]
    public void Update_OfAnUntrackedObject_LeavesItUntracked()
    {
        var story = New.Update("u", """{"text":"x"}""", starts: false).Update("v", """{"text":"y"}""", starts: false);
        Assert.Null(story.Managed);
    }

    [Fact]
    public void Apply_ToAnUntrackedObject_LeavesTheRestToBeforeFirstApply() => New
        .Update("u", """{"text":"x","number":1}""", starts: false).Apply("a", """{"flag":true}""")
        .Managers("""a Apply {"f:flag":{}}""", """before-first-apply Update {"f:text":{},"f:number":{}}""");

    [Fact]
    public void Apply_ToAnUntrackedObject_ConflictsWithBeforeFirstApply() =>
        Assert.Equal(["\"before-first-apply\" using v1 .text"], New.Update("u", """{"text":"x"}""", starts: false).Conflicts("a", """{"text":"y"}"""));

    [Theory]
    [InlineData("[]")]
    [InlineData("[{}]")]
    public void Update_ThatSendsAnEmptyList_ForgetsAll(string sent)
    {
        var story = New.Update("u", """{"text":"x"}""").Update("v", """{"text":"y"}""", sent: sent, starts: false);
        Assert.Null(story.Managed);
    }

    [Fact]
    public void Update_BySubresource_CannotForget() => New
        .Update("u", """{"text":"x"}""").Update("v", """{"text":"x"}""", subresource: "status", sent: "[]", starts: false).Tracks("u");

    [Fact]
    public void Update_ThatSendsEntries_MovesThem() => New
        .Update("u", """{"text":"x"}""")
        .Update("v", """{"text":"x"}""", sent: """[{"manager":"w","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:text":{}}}]""")
        .Managers("""w Apply {"f:text":{}}""");

    [Theory]
    [InlineData("""[{"manager":"w","operation":"Patch","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{}}]""")]
    [InlineData("""[{"manager":"w","operation":"Apply","fieldsType":"FieldsV1","fieldsV1":{}}]""")]
    [InlineData("""[{"manager":"w","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV2","fieldsV1":{}}]""")]
    [InlineData("""[{"manager":"w","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"broken":{}}}]""")]
    public void Update_ThatSendsBrokenEntries_CountsTheLiveOnes(string sent) =>
        New.Update("u", """{"text":"x"}""").Update("v", """{"text":"x"}""", sent: sent).Tracks("u");

    [Fact]
    public void Update_OfAnObjectWhoseListCannotBeTold_KeepsTheEntries() => New
        .Update("u", """{"text":"x"}""").Update("v", """{"text":"y","items":[{"text":"nameless"}]}""").Managers("""u Update {"f:text":{}}""");

    [Fact]
    public void Versions_OfOneApplier_AreOneEntry() => New
        .Apply("a", """{"text":"x"}""").Apply("a", """{"text":"x","number":1}""", version: "v2").Managers("""a Apply@v2 {"f:text":{},"f:number":{}}""");

    [Fact]
    public void Versions_OfOneUpdater_AreTwoEntries() => New
        .Update("u", """{"text":"x"}""").Update("u", """{"text":"x","number":1}""", version: "v2")
        .Managers("""u Update {"f:text":{}}""", """u Update@v2 {"f:number":{}}""");

    [Fact]
    public void Versions_ConflictAcross() =>
        Assert.Equal(["\"a\" .text"], New.Apply("a", """{"text":"x"}""").Conflicts("b", """{"text":"y"}""", version: "v2"));

    [Fact]
    public void Versions_ThatAreGone_LoseTheirManagers()
    {
        var story = New.Apply("a", """{"text":"x"}""").Update("u", """{"text":"x","number":1}""", version: "v2");
        story.Types.Remove("v1");
        story.Apply("b", """{"flag":true}""", version: "v2").Tracks("b", "u");
    }

    [Fact]
    public void Versions_OfALastApplyThatIsGone_TakeNothingOut()
    {
        var story = New.Apply("a", """{"text":"x","number":1}""");
        story.Types.Remove("v1");
        story.Apply("a", """{"number":1}""", version: "v2").Is("""{"text":"x","number":1}""");
    }

    [Fact]
    public void Schema_ThatBecameAtomic_MakesTheOwnerOfAPartTheOwnerOfAll()
    {
        var story = New.Apply("a", """{"labels":{"x":"1"}}""");
        story.Types["v1"] = new FieldType { Map = TestTypes.All.Map! with { Field = n => n == "labels" ? TestTypes.All.Map.Field("atomicMap") : TestTypes.All.Map.Field(n) } };
        Assert.Equal(["\"a\" .labels"], story.Conflicts("b", """{"labels":{"y":"1"}}"""));
        story.Apply("a", """{"labels":{"z":"1"}}""").Is("""{"labels":{"z":"1"}}""").Managers("""a Apply {"f:labels":{}}""");
    }

    [Fact]
    public void Managers_BeyondTen_BecomeAncientChanges()
    {
        var story = New;
        var tree = new JsonObject();
        for (var i = 0; i < 14; i++)
        {
            ((JsonObject)(tree["labels"] ??= new JsonObject()))[$"l{i}"] = "x";
            story.Update($"u{i:00}", tree.ToJsonString());
        }
        story.Tracks(["ancient-changes", .. Enumerable.Range(5, 9).Select(i => $"u{i:00}")]);
        Assert.True(ManagedFields.Decode(story.Managed)[0].Fields.Has(PathElement.Field("labels"), PathElement.Field("l4")));
        Assert.False(ManagedFields.Decode(story.Managed)[0].Fields.Has(PathElement.Field("labels"), PathElement.Field("l5")));
    }

    [Fact]
    public void Managers_ThatApply_AreNotUnited()
    {
        var story = New;
        for (var i = 0; i < 12; i++)
        {
            story.Apply($"a{i:00}", $$$"""{"labels":{"l{{{i}}}":"x"}}""");
        }
        Assert.Equal(12, story.Managed!.Count);
    }

    [Fact]
    public void Managers_BeyondTenInTwoVersions_AreUnitedByVersion()
    {
        var story = New;
        var tree = new JsonObject { ["labels"] = new JsonObject() };
        for (var i = 0; i < 13; i++)
        {
            tree["labels"]![$"l{i}"] = "x";
            story.Update($"u{i:00}", tree.ToJsonString(), version: i % 2 == 0 ? "v1" : "v2");
        }
        Assert.Equal(["v1", "v2"], ManagedFields.Decode(story.Managed).Where(e => e.Manager == "ancient-changes").Select(e => e.ApiVersion).Order());
        Assert.Equal(10, story.Managed!.Count);
    }

    [Fact]
    public void Entries_AreSortedByOperationTimeManager() => New
        .Update("z", """{"text":"x"}""").Update("y", """{"text":"x","number":1}""").Apply("x", """{"flag":true}""").Apply("w", """{"any":1}""")
        .Tracks("x", "w", "z", "y");

    [Fact]
    public void Metadata_ThatTheServerSets_IsNobodys() => New
        .Apply("a", """{"metadata":{"name":"n","namespace":"s","uid":"u","labels":{"l":"1"},"generation":1,"resourceVersion":"3"}}""")
        .Managers("""a Apply {"f:metadata":{"f:labels":{".":{},"f:l":{}}}}""");
}
