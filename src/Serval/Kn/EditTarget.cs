using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Cli;

namespace Serval.Kn;

/// <summary>A service while flags change it: its parts, made where they are missing.</summary>
internal sealed class EditTarget(JsonObject service, EditScene scene)
{
    private readonly List<Action> _atEnd = [];

    public JsonObject Service { get; } = service;

    public EditScene Scene { get; } = scene;

    public string Name => Service.Object("metadata").String("name");

    public JsonObject Template => Service.Ensure("spec").Ensure("template");

    public JsonObject PodSpec => Template.Ensure("spec");

    /// <summary>The container that serves: the one with a port, else the first (knative/client: ContainerOfRevisionSpec).</summary>
    public JsonObject Container => Serving(PodSpec) ?? AddContainer();

    public static JsonObject? Serving(JsonObject? podSpec)
    {
        var containers = podSpec.Objects("containers").Select(c => c.Item).ToArray();
        return Array.Find(containers, c => c.Array("ports") is { Count: > 0 }) ?? containers.FirstOrDefault();
    }

    /// <summary>Runs when every flag has been applied.</summary>
    public void AtEnd(Action action) => _atEnd.Add(action);

    public void Finish()
    {
        foreach (var action in _atEnd)
        {
            action();
        }
    }

    public void Annotate(string key, string value) => Template.Ensure("metadata").Ensure("annotations")[key] = value;

    /// <summary>Sets and removes entries of a map of texts below an object.</summary>
    public static void Assign(JsonObject owner, string field, IEnumerable<Assignment> assignments)
    {
        foreach (var (name, value) in assignments)
        {
            if (value is not null)
            {
                owner.Ensure(field)[name] = value;
            }
            else
            {
                owner.Object(field)?.Remove(name);
            }
        }
    }

    /// <summary>Puts an item into a list in the place of the one it replaces, or at the end.</summary>
    public static void Put(JsonObject owner, string list, Func<JsonObject, bool> same, JsonObject item)
    {
        if (owner.Array(list) is not { } items)
        {
            owner[list] = items = [];
        }
        foreach (var (index, present) in owner.Objects(list))
        {
            if (same(present))
            {
                items[index] = item;
                return;
            }
        }
        items.Add(item);
    }

    /// <summary>Takes items out of a list, and the list out of its owner with the last one.</summary>
    public static void Remove(JsonObject owner, string list, Func<JsonObject, bool> which)
    {
        foreach (var (_, item) in owner.Objects(list).ToArray())
        {
            if (which(item))
            {
                owner.Array(list)!.Remove(item);
            }
        }
        if (owner.Array(list) is { Count: 0 })
        {
            owner.Remove(list);
        }
    }

    public static long Number(string flag, string word, long least = long.MinValue) =>
        long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least
            ? number
            : throw new CliException(ExitCodes.Usage, $"--{flag} \"{word}\" is not a whole number{(least == 0 ? " of 0 or above" : "")}; give one");

    private JsonObject AddContainer()
    {
        var container = new JsonObject();
        PodSpec["containers"] = new JsonArray(container);
        return container;
    }
}
