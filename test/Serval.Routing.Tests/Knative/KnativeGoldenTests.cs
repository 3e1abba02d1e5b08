using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Routing.Knative;

namespace Serval.Routing.Tests.Knative;

/// <summary>
/// Every folder below <c>golden/</c> is a case: <c>ingress.json</c> is a list of objects, <c>table.json</c> what comes out of them.
/// With SERVAL_GOLDEN=write the results are written instead of compared.
/// </summary>
public sealed class KnativeGoldenTests
{
    private static readonly JsonSerializerOptions s_indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static TheoryData<string> Cases => [.. Directory.GetDirectories(Folder()).Select(d => Path.GetFileName(d)).Order()];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Ingress_Translated_GivesTheTable(string name)
    {
        var folder = Path.Combine(Folder(), name);
        var objects = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "ingress.json")))!.AsArray()
            .Select(o => KubeObject.From(o!.AsObject())).ToList();
        var actual = JsonSerializer.Serialize(Translate(objects), s_indented) + "\n";
        var file = Path.Combine(folder, "table.json");
        if (Environment.GetEnvironmentVariable("SERVAL_GOLDEN") == "write")
        {
            File.WriteAllText(file, actual);
        }
        Assert.Equal(File.ReadAllText(file), actual);
    }

    private static JsonObject Translate(List<KubeObject> objects)
    {
        var lookup = new FakeLookup(objects);
        var set = new IngressRouteSet();
        var errors = new JsonObject();
        var reports = new JsonObject();
        var ingresses = objects.Where(o => o.Kind == "Ingress").ToList();
        foreach (var ingress in ingresses)
        {
            var compilation = IngressTranslator.Compile(ingress, lookup);
            if (compilation.Ingress is { } compiled)
            {
                set.Set(compiled);
            }
            else
            {
                errors[ingress.Key.ToString()] = compilation.Error;
            }
        }
        var json = RouteTableJson.Write(set.Build(1));
        foreach (var (key, compiled) in set.Ingresses.OrderBy(i => i.Key.ToString(), StringComparer.Ordinal))
        {
            var lines = set.Conflicts(key).Select(c => $"{c.Host} belongs to {c.Winner}").Concat(compiled.Warnings).ToArray();
            if (compiled.Tls.Length > 0)
            {
                json["tls"] ??= new JsonObject();
                json["tls"]![key.ToString()] = new JsonArray([.. compiled.Tls.Select(t => (JsonNode)$"{t.Key}: {t.Value}")]);
            }
            if (lines.Length > 0)
            {
                reports[key.ToString()] = new JsonArray([.. lines.Select(l => (JsonNode)l)]);
            }
        }
        json["errors"] = errors;
        json["reports"] = reports;
        return json;
    }

    private static string Folder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "golden");
}
