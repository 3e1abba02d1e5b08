using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Cli;

namespace Serval.Kn;

/// <summary>The serving container and its companions (knative/client: pkg/flags).</summary>
internal static class ContainerEdit
{
    private static readonly string[] s_pullPolicies = ["Always", "Never", "IfNotPresent"];

    /// <summary><c>[NAME:]PORT</c>.</summary>
    public static void SetPort(EditTarget target, string word)
    {
        var (name, number) = word.Split(':') is [var given, var behind] ? (given, behind) : ("", word);
        var port = new JsonObject { ["containerPort"] = EditTarget.Number("port", number, 0) };
        if (name.Length > 0)
        {
            port["name"] = name;
        }
        target.Container["ports"] = new JsonArray(port);
    }

    public static Action<EditTarget, IReadOnlyList<string>> Words(string field) =>
        (target, values) => target.Container[field] = new JsonArray([.. values.Select(v => (JsonNode)v)]);

    /// <summary>Of <c>requests</c> or <c>limits</c>: <c>cpu=100m,memory-</c>.</summary>
    public static Action<EditTarget, string> Resources(string flag, string field) => (target, word) =>
        EditTarget.Assign(target.Container.Ensure("resources"), field, word.Split(',').Select(w => Assignment.Parse(flag, w)));

    public static void SetPullPolicy(EditTarget target, string word) =>
        target.Container["imagePullPolicy"] = Array.Find(s_pullPolicies, p => p.Equals(word, StringComparison.OrdinalIgnoreCase))
            ?? throw new CliException(ExitCodes.Usage, $"--pull-policy \"{word}\" is not known; use {string.Join(", ", s_pullPolicies)}");

    public static void SetSecurityContext(EditTarget target, string word)
    {
        switch (word.ToLowerInvariant())
        {
            case "none":
                target.Container.Remove("securityContext");
                break;
            case "strict":
                target.Container["securityContext"] = new JsonObject
                {
                    ["allowPrivilegeEscalation"] = false,
                    ["runAsNonRoot"] = true,
                    ["capabilities"] = new JsonObject { ["drop"] = new JsonArray("ALL") },
                    ["seccompProfile"] = new JsonObject { ["type"] = "RuntimeDefault" },
                };
                break;
            default:
                throw new CliException(ExitCodes.Usage, $"--security-context \"{word}\" is not known; use none, strict");
        }
    }

    public static void SetUser(EditTarget target, string word) =>
        target.Container.Ensure("securityContext")["runAsUser"] = EditTarget.Number("user", word, 0);

    public static void SetServiceAccount(EditTarget target, string word)
    {
        target.PodSpec.Remove("serviceAccountName");
        if (word.Trim().Length > 0)
        {
            target.PodSpec["serviceAccountName"] = word.Trim();
        }
    }

    public static void SetPullSecret(EditTarget target, string word)
    {
        target.PodSpec.Remove("imagePullSecrets");
        if (word.Trim().Length > 0)
        {
            target.PodSpec["imagePullSecrets"] = new JsonArray(new JsonObject { ["name"] = word.Trim() });
        }
    }

    /// <param name="target">The service.</param>
    /// <param name="json">A pod spec: its containers replace those of their names, and the others are added.</param>
    public static void AddContainers(EditTarget target, string json)
    {
        var given = JsonNode.Parse(json) as JsonObject;
        if (!given.Objects("containers").Any())
        {
            throw new CliException(ExitCodes.Usage, "the file of --containers has no list \"containers\"; write the further containers below it, as in a pod's spec");
        }
        foreach (var (_, container) in given.Objects("containers"))
        {
            EditTarget.Put(target.PodSpec, "containers", c => c.String("name").Length > 0 && c.String("name") == container.String("name"), (JsonObject)container.DeepClone());
        }
    }
}
