using System.Text.Json.Nodes;
using Serval.Api.Crds;
using Serval.Controllers.Definitions;

namespace Serval.Controllers.Tests.Definitions;

public sealed class DefinitionNamesTests
{
    private static readonly DateTimeOffset s_now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly CustomResourceNames s_wanted = new() { Plural = "widgets", Singular = "widget", Kind = "Widget", ListKind = "WidgetList", ShortNames = ["wg", "w"] };

    [Fact]
    public void FreeNames_AreAccepted_AndEstablished()
    {
        var status = Accept([]);
        Assert.Equal(
            """{"plural":"widgets","singular":"widget","shortNames":["wg","w"],"kind":"Widget","listKind":"WidgetList"}""", status["acceptedNames"]!.ToJsonString());
        Assert.Equal("True NoConflicts no conflicts found", Condition(status, "NamesAccepted"));
        Assert.Equal("True InitialNamesAccepted the initial names have been accepted", Condition(status, "Established"));
    }

    /// <summary>The last conflict is the one that is told, as upstream.</summary>
    [Theory]
    [InlineData("widgets", "", "PluralConflict \"widgets\" is already in use")]
    [InlineData("widget", "", "SingularConflict \"widget\" is already in use")]
    [InlineData("wg", "", "ShortNamesConflict \"wg\" is already in use")]
    [InlineData("wg w", "", "ShortNamesConflict [\"wg\" is already in use, \"w\" is already in use]")]
    [InlineData("", "Widget", "KindConflict \"Widget\" is already in use")]
    [InlineData("widgets", "WidgetList", "ListKindConflict \"WidgetList\" is already in use")]
    public void TakenNames_AreLeftOut_AndNothingIsServed(string resources, string kinds, string told)
    {
        var taken = new TakenNames();
        taken.Resources.UnionWith(resources.Split(' '));
        taken.Kinds.UnionWith(kinds.Split(' '));
        var status = new JsonObject();
        DefinitionNames.Accept(s_wanted, status, taken, isReadable: true, s_now);
        Assert.Equal("False " + told, Condition(status, "NamesAccepted"));
        Assert.Equal("False NotAccepted not all names are accepted", Condition(status, "Established"));
    }

    [Fact]
    public void ABundleThatCannotBeRead_KeepsADefinitionFromBeingServed_UntilItCan()
    {
        var status = new JsonObject();
        DefinitionNames.Accept(s_wanted, status, new TakenNames(), isReadable: false, s_now);
        Assert.Equal("True NoConflicts no conflicts found", Condition(status, "NamesAccepted"));
        Assert.Equal("False InvalidCABundle The conversion webhook CABundle is invalid", Condition(status, "Established"));
        DefinitionNames.Accept(s_wanted, status, new TakenNames(), isReadable: true, s_now);
        Assert.Equal("True InitialNamesAccepted the initial names have been accepted", Condition(status, "Established"));
    }

    [Fact]
    public void WhatIsEstablished_StaysSo_AndKeepsItsNamesWhenNewOnesAreTaken()
    {
        var status = Accept([]);
        var taken = new TakenNames();
        taken.Resources.UnionWith(["widgets", "new"]); // its own plural is its own, whoever else has it by now
        DefinitionNames.Accept(s_wanted with { ShortNames = ["new"], Categories = ["all"] }, status, taken, isReadable: true, s_now.AddHours(1));
        Assert.Equal("""["wg","w"]""", status["acceptedNames"]!["shortNames"]!.ToJsonString());
        Assert.Equal("""["all"]""", status["acceptedNames"]!["categories"]!.ToJsonString());
        Assert.Equal("False ShortNamesConflict \"new\" is already in use", Condition(status, "NamesAccepted"));
        Assert.Equal("True InitialNamesAccepted the initial names have been accepted", Condition(status, "Established"));
        Assert.Equal("2026-03-01T13:00:00Z", (string?)status["conditions"]![0]!["lastTransitionTime"]);
    }

    private static JsonObject Accept(string[] taken)
    {
        var names = new TakenNames();
        names.Resources.UnionWith(taken);
        var status = new JsonObject();
        DefinitionNames.Accept(s_wanted, status, names, isReadable: true, s_now);
        return status;
    }

    private static string Condition(JsonObject status, string type)
    {
        var condition = status["conditions"]!.AsArray().Single(c => (string?)c!["type"] == type)!;
        return $"{condition["status"]} {condition["reason"]} {condition["message"]}";
    }
}
