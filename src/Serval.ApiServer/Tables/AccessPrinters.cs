using System.Text.Json;

namespace Serval.ApiServer.Tables;

/// <summary>Roles and their bindings.</summary>
internal static class AccessPrinters
{
    public static readonly TableLayout Binding = new(
        [
            TableLayout.Name, new("Role"), TableLayout.Age, new("Users", Priority: 1), new("Groups", Priority: 1), new("ServiceAccounts", Priority: 1),
        ],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add($"{obj.Text("roleRef", "kind")}/{obj.Text("roleRef", "name")}");
            cells.Add(TableLayout.AgeOf(obj, now));
            cells.Add(Subjects(obj, "User", s => s.Text("name")));
            cells.Add(Subjects(obj, "Group", s => s.Text("name")));
            cells.Add(Subjects(obj, "ServiceAccount", s => $"{s.Text("namespace")}/{s.Text("name")}"));
        });

    private static string Subjects(JsonElement binding, string kind, Func<JsonElement, string> text) =>
        string.Join(", ", binding.Items("subjects").Where(s => s.Text("kind") == kind).Select(text));
}
