using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>
/// The token of its account that a pod's containers find at <see cref="Path"/>, unless the pod or the account says that they do not want it (kubernetes
/// plugin/pkg/admission/serviceaccount).
/// </summary>
public static class AccountMount
{
    public const string Path = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>What the volume's name begins with; five random characters follow.</summary>
    public const string Prefix = "kube-api-access-";

    /// <summary>The ConfigMap of each namespace that has the API server's authority.</summary>
    public const string RootCa = "kube-root-ca.crt";

    /// <summary>Life of the token in seconds.</summary>
    private const int Seconds = 3607;

    private const int Mode = 420; // 0644

    /// <summary>Adds volume and mounts to a new pod.</summary>
    /// <param name="pod">The defaulted pod.</param>
    /// <param name="account">Its account; null when there is none.</param>
    /// <param name="suffix">End of the volume's name.</param>
    public static void Add(JsonObject pod, KubeObject? account, string suffix)
    {
        var spec = pod.Object("spec");
        if (spec is null || !(spec.Bool("automountServiceAccountToken") ?? AccountWants(account)))
        {
            return;
        }
        var volume = spec.Objects("volumes").Select(v => v.Item.String("name")).FirstOrDefault(n => n.StartsWith(Prefix, StringComparison.Ordinal));
        var name = volume ?? Prefix + suffix;
        var mounted = false;
        foreach (var (_, container) in spec.Objects("initContainers").Concat(spec.Objects("containers")))
        {
            if (container.Objects("volumeMounts").All(m => m.Item.String("mountPath") != Path))
            {
                Append(container, "volumeMounts", new JsonObject { ["name"] = name, ["readOnly"] = true, ["mountPath"] = Path });
                mounted = true;
            }
        }
        if (mounted && volume is null)
        {
            Append(spec, "volumes", Volume(name));
        }
    }

    /// <summary>Whether a volume is what <see cref="Add"/> adds, and nothing else.</summary>
    public static bool IsIt(Volume volume) => volume.Name.StartsWith(Prefix, StringComparison.Ordinal) && volume.Projected is
    {
        DefaultMode: null or Mode,
        Sources:
        [
            { ServiceAccountToken: { Audience: "", ExpirationSeconds: Seconds, Path: "token" } },
            { ConfigMap: { Name: RootCa, Items: [{ Key: "ca.crt", Path: "ca.crt", Mode: null }] } },
            { DownwardApi: { Items: [{ Path: "namespace", FieldRef: { FieldPath: "metadata.namespace" }, Mode: null }] } },
        ],
    };

    private static bool AccountWants(KubeObject? account) => account is null || account.Member("automountServiceAccountToken") is var says && !says.Span.SequenceEqual("false"u8);

    private static JsonObject Volume(string name) => new()
    {
        ["name"] = name,
        ["projected"] = new JsonObject
        {
            ["defaultMode"] = Mode,
            ["sources"] = new JsonArray(
                new JsonObject { ["serviceAccountToken"] = new JsonObject { ["expirationSeconds"] = Seconds, ["path"] = "token" } },
                new JsonObject
                {
                    ["configMap"] = new JsonObject { ["name"] = RootCa, ["items"] = new JsonArray(new JsonObject { ["key"] = "ca.crt", ["path"] = "ca.crt" }) },
                },
                new JsonObject
                {
                    ["downwardAPI"] = new JsonObject
                    {
                        ["items"] = new JsonArray(new JsonObject
                        {
                            ["path"] = "namespace", ["fieldRef"] = new JsonObject { ["apiVersion"] = "v1", ["fieldPath"] = "metadata.namespace" },
                        }),
                    },
                }),
        },
    };

    private static void Append(JsonObject owner, string list, JsonObject item)
    {
        if (owner.Array(list) is { } present)
        {
            present.Add((JsonNode)item);
        }
        else
        {
            owner[list] = new JsonArray(item);
        }
    }
}
