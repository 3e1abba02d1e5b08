using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Controllers.Tests.Serving;

/// <summary>An object a case begins with.</summary>
/// <param name="Kind">Of what kind.</param>
/// <param name="Object">With its status; without what the server sets. <c>${uid}</c> stands for the owner's uid.</param>
/// <param name="Owner">The controlling owner, which was planted before.</param>
internal sealed record Seed(ResourceKind Kind, JsonObject Object, Seed? Owner = null)
{
    /// <summary>It is on its way out: a finalizer holds it.</summary>
    public bool Deleting { get; init; }

    public string Name => (string)Object["metadata"]!["name"]!;

    /// <summary>The same with another status: JSON fields, and conditions as <see cref="StatusText"/> writes them.</summary>
    public Seed With(string conditions, string fields = "{}")
    {
        var status = JsonNode.Parse(fields)!.AsObject();
        status["conditions"] = StatusText.Conditions(conditions);
        return Merged(new JsonObject { ["status"] = status });
    }

    /// <summary>The same with labels or annotations added.</summary>
    public Seed Labelled(string key, string value) => Merged(new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { [key] = value } } });

    public Seed Annotated(string key, string value) => Merged(new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [key] = value } } });

    public Seed OwnedBy(Seed owner) => this with { Owner = owner };

    private Seed Merged(JsonObject patch)
    {
        var copy = Object.DeepClone().AsObject();
        Merge(copy, patch);
        return this with { Object = copy };
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (key, value) in patch)
        {
            if (value is JsonObject change && target[key] is JsonObject inner)
            {
                Merge(inner, change);
            }
            else
            {
                target[key] = value?.DeepClone();
            }
        }
    }
}
