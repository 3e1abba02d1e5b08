using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Controllers.Tests.Serving;

/// <summary>Knative objects of a case, in namespace <c>default</c>.</summary>
internal static class Some
{
    internal const string Ready = "Ready=True";

    private const string Pod = """{"containerConcurrency":0,"timeoutSeconds":300,"containers":[{"name":"user-container","image":"dev.local/a:1"}]}""";

    internal static Seed Service(string name, string traffic = """[{"latestRevision":true,"percent":100}]""", string revision = "") => new(
        Kinds.KService, New(name, $$"""{"template":{{Template(revision)}},"traffic":{{traffic}} }"""));

    /// <param name="name">Its name.</param>
    /// <param name="created">status.latestCreatedRevisionName; empty: no status at all.</param>
    /// <param name="ready">status.latestReadyRevisionName.</param>
    /// <param name="routes">The annotation that names its routes.</param>
    /// <param name="revision">Name of the revision in its template.</param>
    internal static Seed Configuration(string name, string created = "", string ready = "", string routes = "", string revision = "")
    {
        var seed = new Seed(Kinds.Configuration, New(name, $$"""{"template":{{Template(revision)}} }"""));
        if (created.Length > 0)
        {
            seed = seed.With(
                created == ready ? Ready : "Ready=Unknown", $$"""{"latestCreatedRevisionName":"{{created}}"{{(ready.Length > 0 ? $",\"latestReadyRevisionName\":\"{ready}\"" : "")}} }""");
        }
        return routes.Length > 0 ? seed.Annotated("serving.knative.dev/routes", routes) : seed;
    }

    /// <param name="configuration">Its owner.</param>
    /// <param name="generation">Which generation of it.</param>
    /// <param name="conditions">Of its status; empty: no status at all.</param>
    /// <param name="routes">The annotation that names its routes; its routing state follows.</param>
    /// <param name="name">Its name; empty: as generations are named.</param>
    internal static Seed Revision(Seed configuration, int generation = 1, string conditions = Ready, string routes = "", string name = "")
    {
        var seed = new Seed(Kinds.Revision, New(name.Length > 0 ? name : $"{configuration.Name}-{generation:D5}", Pod), configuration)
            .Labelled("serving.knative.dev/configuration", configuration.Name)
            .Labelled("serving.knative.dev/configurationGeneration", $"{generation}")
            .Labelled("serving.knative.dev/routingState", routes.Length > 0 ? "active" : "pending");
        if (configuration.Owner is { } service)
        {
            seed = seed.Labelled("serving.knative.dev/service", service.Name);
        }
        seed = conditions.Length > 0 ? seed.With(conditions) : seed;
        return routes.Length > 0 ? seed.Annotated("serving.knative.dev/routes", routes) : seed;
    }

    internal static Seed Route(string name, string traffic) => new(Kinds.Route, New(name, $$"""{"traffic":{{traffic}} }"""));

    /// <summary>All traffic to the latest ready revision of a configuration of the same name.</summary>
    internal static Seed Route(string name) => Route(name, To(name));

    /// <summary>All traffic to a configuration's latest ready revision.</summary>
    internal static string To(string configuration) => $$"""[{"configurationName":"{{configuration}}","latestRevision":true,"percent":100}]""";

    /// <summary>All traffic to one revision.</summary>
    internal static string Pinned(string revision) => $$"""[{"revisionName":"{{revision}}","latestRevision":false,"percent":100}]""";

    internal static Seed Of(ResourceKind kind, string name, string spec = "{}") => new(kind, New(name, spec));

    private static string Template(string revision) =>
        $$"""{ {{(revision.Length > 0 ? $"\"metadata\":{{\"name\":\"{revision}\"}}," : "")}}"spec":{{Pod}} }""";

    private static JsonObject New(string name, string spec) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default", ["labels"] = new JsonObject(), ["annotations"] = new JsonObject() },
        ["spec"] = JsonNode.Parse(spec),
    };
}
