using System.Text.Json.Nodes;
using Serval.Api.Fields;

namespace Serval.ApiServer.Apply;

/// <summary>Who writes, and through which door.</summary>
internal sealed record FieldOperation
{
    public required string Manager { get; init; }

    public required string ApiVersion { get; init; }

    public required string Subresource { get; init; }

    /// <summary>The present time as objects hold it.</summary>
    public required string Time { get; init; }

    /// <summary>What cannot be set through this door, so nobody comes to own it (apiserver: reset fields).</summary>
    public FieldSet Ignored { get; init; } = FieldSet.Empty;

    /// <summary>An object of the kind before anything is set: what is there already is nobody's.</summary>
    public JsonObject Nothing { get; init; } = [];

    /// <summary>The type of objects in an apiVersion; null when it is not served.</summary>
    public required Func<string, FieldType?> TypeOf { get; init; }

    public FieldType Type => TypeOf(ApiVersion) ?? throw new InvalidOperationException($"{ApiVersion} is not served");

    /// <summary>This writer's entry, still without fields.</summary>
    public ManagedEntry Entry(bool isApply) => new()
    {
        Manager = Manager.Length > 0 ? Manager : "unknown", IsApply = isApply, ApiVersion = ApiVersion, Subresource = Subresource, Time = Time,
    };
}
