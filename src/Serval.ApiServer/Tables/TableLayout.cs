using System.Text.Json;
using Serval.Api;

namespace Serval.ApiServer.Tables;

/// <summary>A column of a meta.k8s.io/v1 Table. Priority above 0 shows only with <c>-o wide</c>.</summary>
internal sealed record TableColumn(string Name, string Type = "string", int Priority = 0, string Format = "", string Description = "");

/// <summary>Adds the cells of one object, one a column, in order: a string, a long, a bool, a double or null.</summary>
internal delegate void RowPrinter(JsonElement obj, DateTimeOffset now, List<object?> cells);

/// <summary>How objects of one kind become rows.</summary>
internal sealed record TableLayout(IReadOnlyList<TableColumn> Columns, RowPrinter Print)
{
    /// <summary>How what is printed is made of the objects; null: it is they.</summary>
    public Func<KubeObject, KubeObject>? Kept { get; init; }

    public static readonly TableColumn Name = new("Name", Format: "name", Description: "Name must be unique within a namespace.");

    public static readonly TableColumn Age = new("Age", Description: "Time since the object was created.");

    public static string AgeOf(JsonElement obj, DateTimeOffset now) =>
        HumanDuration.Since(obj.Time("metadata", "creationTimestamp"), now);
}
