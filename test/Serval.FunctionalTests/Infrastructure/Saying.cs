namespace Serval.FunctionalTests;

/// <summary>Services of busybox that say which revision answers: cheap to start, and changed by the value of one variable.</summary>
internal static class Saying
{
    private const string Program = "mkdir -p /tmp/$K_REVISION; echo $K_REVISION > /tmp/$K_REVISION/index.html; exec ./busybox httpd -f -p 127.0.0.1:$PORT -h /tmp/$K_REVISION";

    /// <summary>A revision template in flow style.</summary>
    internal static string Template(string step = "1", string name = "", string annotations = "{}", string labels = "{}", string spec = "") => $$"""
        {
          metadata: {annotations: {{annotations}}, labels: {{labels}}{{(name.Length > 0 ? $", name: {name}" : "")}}},
          spec: {containers: [{image: "dev.local/bb:1", args: [sh, -c, "{{Program}}"], env: [{name: STEP, value: "{{step}}"}]}]{{(spec.Length > 0 ? ", " + spec : "")}}}
        }
        """;

    /// <summary>A Service; <paramref name="labels"/> are its own, <paramref name="traffic"/> is in flow style.</summary>
    internal static string Service(string name, string template, string traffic = "[{latestRevision: true, percent: 100}]", string labels = "{}") =>
        Kind("Service", $"name: {name}, labels: {labels}", $"{{traffic: {traffic}, template: {template}}}");

    internal static string Configuration(string metadata, string template) =>
        Kind("Configuration", metadata, $"{{template: {template}}}");

    internal static string Route(string metadata, string traffic) =>
        Kind("Route", metadata, $"{{traffic: {traffic}}}");

    // What begins with a brace is JSON to kubectl: a document's first line says that it is YAML.
    private static string Kind(string kind, string metadata, string spec) => $"---\napiVersion: serving.knative.dev/v1\nkind: {kind}\nmetadata: {{{metadata}}}\nspec: {spec}\n";
}
