using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Serval.Api.Schema;

namespace Serval.Api.Tests.Schema;

/// <summary>Every property of every typed view is a field of the table and has a shape that can hold it.</summary>
public sealed class ViewsAgainstTableTests
{
    private static readonly string[] s_revisionOnly =
        ["containerConcurrency", "timeoutSeconds", "responseStartTimeoutSeconds", "idleTimeoutSeconds"];

    public static TheoryData<Type> Views => [.. typeof(KubeObject).Assembly.GetTypes()
        .Where(t => t.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IKubeView<>)))];

    [Theory]
    [MemberData(nameof(Views))]
    public void View_EveryProperty_IsAFieldOfACompatibleShape(Type view)
    {
        var problems = new List<string>();
        Compare(view, Schemas.For(KindOf(view)).Type, view.Name, problems, []);
        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    /// <summary>A view that a namespaced kind shares with its Cluster form (RoleView) is held to the latter, which has all the fields.</summary>
    private static ResourceKind KindOf(Type view) =>
        Kinds.All.FirstOrDefault(k => k.IsCustom && "K" + k.Kind == view.Name)
        ?? Kinds.All.First(k => k.Kind == view.Name || k.Kind + "View" == "Cluster" + view.Name);

    private static void Compare(Type view, TypeSchema type, string path, List<string> problems, HashSet<(Type, TypeSchema)> seen)
    {
        if (!seen.Add((view, type)))
        {
            return;
        }
        foreach (var property in view.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.GetCustomAttribute<JsonIgnoreAttribute>() is not null || property.GetCustomAttribute<JsonExtensionDataAttribute>() is not null)
            {
                continue;
            }
            var name = property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            if (type.Find(name) is { } field)
            {
                Compare(property.PropertyType, field.Value, $"{path}.{name}", problems, seen);
            }
            else if (!IsShared(type, name))
            {
                problems.Add($"{path}.{name} is not a field of {type}");
            }
        }
    }

    /// <summary>One view serves several types: PodSpec also reads a RevisionSpec, Condition also Knative's with its severity, a Deployment's with its lastUpdateTime, a Pod's with its observedGeneration.</summary>
    private static bool IsShared(TypeSchema type, string name) =>
        (type.Name == "PodSpec" && s_revisionOnly.Contains(name)) || (type.Name.EndsWith("Condition", StringComparison.Ordinal) && name is "severity" or "lastUpdateTime" or "observedGeneration");

    private static void Compare(Type clr, ValueSchema value, string path, List<string> problems, HashSet<(Type, TypeSchema)> seen)
    {
        clr = Nullable.GetUnderlyingType(clr) ?? clr;
        var generic = clr.IsGenericType ? clr.GetGenericTypeDefinition() : null;
        if (generic == typeof(IReadOnlyList<>) && value.Kind == ValueKind.List)
        {
            Compare(clr.GetGenericArguments()[0], value.Item!, path + "[]", problems, seen);
        }
        else if (generic == typeof(IReadOnlyDictionary<,>) && value.Kind == ValueKind.Map)
        {
            Compare(clr.GetGenericArguments()[1], value.Item!, path + "{}", problems, seen);
        }
        else if (value.Type is { } type && clr.IsClass && clr.Assembly == typeof(KubeObject).Assembly)
        {
            Compare(clr, type, path, problems, seen);
        }
        else if (!Fits(clr, value.Kind))
        {
            problems.Add($"{path} is {clr.Name} in the view and {value.Kind} in the table");
        }
    }

    private static bool Fits(Type clr, ValueKind kind) => kind switch
    {
        ValueKind.String or ValueKind.Bytes => clr == typeof(string),
        ValueKind.Int32 => clr == typeof(int) || clr == typeof(long),
        ValueKind.Int64 => clr == typeof(long),
        ValueKind.Number => clr == typeof(double),
        ValueKind.Boolean => clr == typeof(bool),
        ValueKind.Time or ValueKind.MicroTime => clr == typeof(DateTimeOffset),
        ValueKind.Quantity => clr == typeof(string) || clr == typeof(JsonElement),
        _ => clr == typeof(JsonElement),
    };
}
