using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>Manifests the tests share.</summary>
internal static class Manifests
{
    private static readonly string s_runtime = Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));

    internal const string Httpd = """["httpd", "-f", "-p", "127.0.0.1:$(PORT)", "-h", "www"]""";

    internal static string Service(string name, string args = Httpd, string env = "[]", string annotations = "{}", string image = "dev.local/bb:1", string envFrom = "[]") => $$"""
        apiVersion: serving.knative.dev/v1
        kind: Service
        metadata:
          name: {{name}}
        spec:
          template:
            metadata:
              annotations: {{annotations}}
            spec:
              containers:
              - image: {{image}}
                args: {{args}}
                env: {{env}}
                envFrom: {{envFrom}}
        """;

    internal const string EchoImage = "dev.local/echo:1";

    /// <summary>The program of bench/Serval.Bench.Echo; it finds the runtime that runs the tests.</summary>
    internal static string Echo(string name, string spec, bool http2, string annotations) => $$"""
        apiVersion: serving.knative.dev/v1
        kind: Service
        metadata:
          name: {{name}}
        spec:
          template:
            metadata:
              annotations: {{annotations}}
            spec: {
              containers: [{
                image: {{EchoImage}},
                ports: [{name: {{(http2 ? "h2c" : "http1")}}, containerPort: 8080}],
                env: [{name: PROTOCOL, value: {{(http2 ? "h2c" : "http1")}}}, {name: DOTNET_ROOT, value: "{{s_runtime}}"}]
              }],
              {{spec}}
            }
        """;

    internal static string ConfigMap(string name, string data = """{"a": "1"}""", string @namespace = "default") => $$"""
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: {{name}}
          namespace: {{@namespace}}
        data: {{data}}
        """;

    /// <summary>kubectl's words to set one key of a <c>config-*</c> ConfigMap.</summary>
    internal static string[] Setting(string map, string key, string value) =>
        ["patch", "configmap", map, "-n", "knative-serving", "-p", new JsonObject { ["data"] = new JsonObject { [key] = value } }.ToJsonString()];

    internal static string Deployment(string name, string @namespace = "default") => $$"""
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: {{name}}
          namespace: {{@namespace}}
        spec:
          replicas: 1
          selector:
            matchLabels: {app: {{name}}}
          template:
            metadata:
              labels: {app: {{name}}}
            spec:
              containers:
              - name: main
                image: dev.local/bb:1
                args: ["sh", "-c", "echo first line; while true; do echo tick; ./busybox sleep 1; done"]
        """;
}
