using System.Text;
using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules of what containers are given: variables, probes, hooks, privileges, amounts (kubernetes pkg/apis/core/validation/validation.go).</summary>
internal static class PodValueRules
{
    private const string Sizes = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";

    private static readonly string[] s_fields =
    [
        "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid", "spec.host", "spec.nodeName", "spec.restartPolicy",
        "spec.schedulerName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.phase", "status.podIP", "status.podIPs",
    ];

    private static readonly string[] s_variables =
    [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    ];

    private static readonly string[] s_files = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

    private static readonly string[] s_amounts =
        ["limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"];

    private static readonly string[] s_profiles = ["Localhost", "RuntimeDefault", "Unconfined"];

    /// <summary>What the pod itself says of a variable.</summary>
    public static void Variable(JsonObject variable, string path, Problems to)
    {
        var from = variable.Object("valueFrom");
        Field(from.Object("fieldRef"), $"{path}.valueFrom.fieldRef", s_variables, to);
        Amount(from.Object("resourceFieldRef"), $"{path}.valueFrom.resourceFieldRef", inVolume: false, to);
        foreach (var source in (ReadOnlySpan<string>)["configMapKeyRef", "secretKeyRef"])
        {
            if (from.Object(source) is { } reference)
            {
                to.Check($"{path}.valueFrom.{source}.name", reference.String("name"), Names.Subdomain);
            }
        }
    }

    /// <summary>All variables of a ConfigMap or Secret.</summary>
    public static void Variables(JsonObject source, string path, Problems to)
    {
        if (source.String("prefix") is { Length: > 0 } prefix)
        {
            to.Check($"{path}.prefix", prefix, Names.EnvVarName);
        }
        foreach (var kind in (ReadOnlySpan<string>)["configMapRef", "secretRef"])
        {
            if (source.Object(kind) is not { } reference)
            {
                continue;
            }
            if (reference.String("name") is { Length: > 0 } name)
            {
                to.Check($"{path}.{kind}.name", name, Names.Subdomain);
            }
            else
            {
                to.Required($"{path}.{kind}.name");
            }
        }
    }

    /// <summary>What a file of a volume shows of the pod. Paths of errors are upstream's: without the item's index.</summary>
    public static void FileOfPod(JsonObject item, string path, Problems to)
    {
        if (item.Object("fieldRef") is { } field)
        {
            Field(field, $"{path}.fieldRef", s_files, to);
            if (item.Has("resourceFieldRef"))
            {
                to.Invalid(path, "\"resource\"", "fieldRef and resourceFieldRef can not be specified simultaneously");
            }
        }
        else if (item.Object("resourceFieldRef") is { } amount)
        {
            Amount(amount, $"{path}.resourceFieldRef", inVolume: true, to);
        }
        else
        {
            to.Required(path, "one of fieldRef and resourceFieldRef is required");
        }
    }

    /// <summary>A probe's or hook's way to ask.</summary>
    public static void Handler(JsonObject? handler, string path, Problems to)
    {
        if (handler.Object("httpGet") is { } http)
        {
            to.PortOrName($"{path}.httpGet.port", http["port"]);
            to.OneOf(http, "scheme", $"{path}.httpGet", "HTTP", "HTTPS");
            foreach (var (_, header) in http.Objects("httpHeaders"))
            {
                if (header.String("name") is var name && (name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')))
                {
                    to.InvalidText($"{path}.httpGet.httpHeaders", name,
                        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')");
                }
            }
        }
        if (handler.Object("tcpSocket") is { } tcp)
        {
            to.PortOrName($"{path}.tcpSocket.port", tcp["port"]);
        }
        if (handler.Object("grpc") is { } grpc)
        {
            to.PortOrName($"{path}.grpc.port", grpc["port"]);
        }
    }

    /// <summary>What is done at an end of a container's life.</summary>
    public static void Hook(JsonObject handler, string path, long grace, Problems to)
    {
        var kinds = handler.Where(h => h.Value is not null).Select(h => h.Key).ToList();
        foreach (var more in kinds.Skip(1))
        {
            to.Forbidden($"{path}.{more}", "may not specify more than 1 handler type");
        }
        Handler(handler, path, to);
        if (handler.Object("sleep").Number("seconds") is { } seconds && (seconds < 0 || seconds > grace))
        {
            to.Invalid($"{path}.sleep", seconds.ToString(), $"must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        }
    }

    /// <summary>The privileges of a container.</summary>
    public static void Privileges(JsonObject? context, bool ownUsers, string path, Problems to)
    {
        if (context is null)
        {
            return;
        }
        Profiles(context, path, to);
        to.OneOf(context, "procMount", path, "Default", "Unmasked");
        if (context.String("procMount") == "Unmasked" && !ownUsers)
        {
            to.InvalidText($"{path}.procMount", "Unmasked", "`hostUsers` must be false to use `Unmasked`");
        }
        if (context.Bool("allowPrivilegeEscalation") != false)
        {
            return;
        }
        if (context.Bool("privileged") == true)
        {
            to.Invalid(path, Shown(context), "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
        }
        if (context.Object("capabilities").Strings("add").Contains("CAP_SYS_ADMIN", StringComparer.Ordinal))
        {
            to.Invalid(path, Shown(context), "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
        }
    }

    /// <summary>Profiles of seccomp and AppArmor (validateSeccompProfileField, ValidateAppArmorProfileField).</summary>
    public static void Profiles(JsonObject? context, string path, Problems to)
    {
        if (context.Object("seccompProfile") is { } seccomp)
        {
            Seccomp(seccomp, $"{path}.seccompProfile", to);
        }
        if (context.Object("appArmorProfile") is { } appArmor)
        {
            AppArmor(appArmor, $"{path}.appArmorProfile", to);
        }
    }

    private static void Seccomp(JsonObject profile, string at, Problems to)
    {
        var (type, local) = (profile.String("type"), profile.String("localhostProfile"));
        ProfileType(type, at, "seccompProfile", to);
        if (type != "Localhost")
        {
            if (profile.Has("localhostProfile"))
            {
                to.Invalid($"{at}.localhostProfile", $$"""{"Type":"{{type}}","LocalhostProfile":"{{local}}"}""", "can only be set when seccomp type is Localhost");
            }
        }
        else if (!profile.Has("localhostProfile"))
        {
            to.Required($"{at}.localhostProfile", "must be set when seccomp type is Localhost");
        }
        else
        {
            LocalPath(local, $"{at}.localhostProfile", to);
        }
    }

    private static void AppArmor(JsonObject profile, string at, Problems to)
    {
        const int Longest = 4095; // bytes, as of any path
        var (type, local) = (profile.String("type"), profile.String("localhostProfile"));
        ProfileType(type, at, "appArmorProfile", to);
        at += ".localhostProfile";
        if (type is "RuntimeDefault" or "Unconfined")
        {
            if (profile.Has("localhostProfile"))
            {
                to.InvalidText(at, local, "can only be set when AppArmor type is Localhost");
            }
        }
        else if (type == "Localhost")
        {
            if (local.Trim() != local)
            {
                to.InvalidText(at, local, "must not be padded with whitespace");
            }
            else if (local.Length == 0)
            {
                to.Required(at, "must be set when AppArmor type is Localhost");
            }
            if (Encoding.UTF8.GetByteCount(local) > Longest)
            {
                to.TooLong(at, Longest);
            }
        }
    }

    private static void ProfileType(string type, string at, string field, Problems to)
    {
        if (type.Length == 0)
        {
            to.Required($"{at}.type", $"type is required when {field} is set");
        }
        else if (!s_profiles.Contains(type, StringComparer.Ordinal))
        {
            to.Unsupported($"{at}.type", type, s_profiles);
        }
    }

    private static void LocalPath(string text, string at, Problems to)
    {
        if (text.StartsWith('/'))
        {
            to.InvalidText(at, text, "must be a relative path");
        }
        if (text.Split('/').Contains("..", StringComparer.Ordinal))
        {
            to.InvalidText(at, text, "must not contain '..'");
        }
    }

    private static void Field(JsonObject? reference, string path, string[] allowed, Problems to)
    {
        if (reference is null)
        {
            return;
        }
        var (at, text, version) = ($"{path}.fieldPath", reference.String("fieldPath"), reference.String("apiVersion"));
        var (field, key) = Subscripted(text);
        if (text.Length == 0)
        {
            to.Required(at);
        }
        else if ((version is not ("v1" or "") ? $"unsupported pod version: {version}"
            : key is not null && field is not ("metadata.annotations" or "metadata.labels") ? $"field label does not support subscript: {text}"
            : key is null && !s_fields.Contains(field, StringComparer.Ordinal) ? $"field label not supported: {text}"
            : null) is { } wrong)
        {
            to.InvalidText(at, text, $"error converting fieldPath: {wrong}");
        }
        else if (key is not null)
        {
            to.Check(path, field == "metadata.annotations" ? key.ToLowerInvariant() : key, Names.QualifiedNameProblems);
        }
        else if (!allowed.Contains(field == "spec.host" ? "spec.nodeName" : field, StringComparer.Ordinal))
        {
            to.Unsupported(at, field, allowed);
        }
    }

    private static void Amount(JsonObject? reference, string path, bool inVolume, Problems to)
    {
        if (reference is null)
        {
            return;
        }
        var name = reference.String("resource");
        var huge = name.StartsWith("limits.hugepages-", StringComparison.Ordinal) || name.StartsWith("requests.hugepages-", StringComparison.Ordinal);
        if (inVolume && reference.String("containerName").Length == 0)
        {
            to.Required($"{path}.containerName");
        }
        else if (name.Length == 0)
        {
            to.Required($"{path}.resource");
        }
        else if (!huge && !s_amounts.Contains(name, StringComparer.Ordinal))
        {
            to.Unsupported($"{path}.resource", name, s_amounts);
        }
        if (!Amounts.TryRead(reference["divisor"], out var divisor) || divisor.IsZero)
        {
            return;
        }
        var cpu = name.EndsWith(".cpu", StringComparison.Ordinal);
        var known = (cpu ? ["1", "1m"] : Sizes.Split(", ")).Any(s => Quantity.TryParse(s, out var one) && one == divisor);
        var what = cpu ? "cpu" : huge ? "hugepages" : name.EndsWith("memory", StringComparison.Ordinal) ? "memory" : "local ephemeral storage";
        if (!known && (huge || s_amounts.Contains(name, StringComparer.Ordinal)))
        {
            to.InvalidText($"{path}.divisor", name, $"only divisor's values {(cpu ? "1m and 1" : Sizes)} are supported with the {what} resource");
        }
    }

    // The whole of it, as upstream's own type names its fields.
    private static string Shown(JsonObject context)
    {
        var shown = new JsonObject();
        foreach (var field in (ReadOnlySpan<string>)
            [
                "capabilities", "privileged", "seLinuxOptions", "windowsOptions", "runAsUser", "runAsGroup", "runAsNonRoot", "readOnlyRootFilesystem",
                "allowPrivilegeEscalation", "procMount", "seccompProfile", "appArmorProfile",
            ])
        {
            var name = field == "seLinuxOptions" ? "SELinuxOptions" : char.ToUpperInvariant(field[0]) + field[1..];
            shown[name] = field == "capabilities" && context.Object(field) is { } capabilities
                ? new JsonObject { ["Add"] = capabilities["add"]?.DeepClone(), ["Drop"] = capabilities["drop"]?.DeepClone() }
                : context[field]?.DeepClone();
        }
        return shown.ToJsonString();
    }

    /// <summary><c>FIELD['KEY']</c> as its two parts; no key in another form.</summary>
    private static (string Field, string? Key) Subscripted(string text) =>
        text.EndsWith("']", StringComparison.Ordinal) && text.LastIndexOf("['", StringComparison.Ordinal) is >= 0 and var at && at + 2 <= text.Length - 2
            ? (text[..at], text[(at + 2)..^2])
            : (text, null);
}
