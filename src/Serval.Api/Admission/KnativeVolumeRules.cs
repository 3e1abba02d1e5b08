using System.Text.Json.Nodes;
using Serval.Api.Config;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Knative's rules of volumes and their mounts.</summary>
internal static class KnativeVolumeRules
{
    private const string PropagationGate = "kubernetes.podspec-volumes-mount-propagation";

    private static readonly (string Field, string What, string Gate)[] s_gated =
    [
        ("emptyDir", "EmptyDir volume", "kubernetes.podspec-volumes-emptydir"),
        ("persistentVolumeClaim", "Persistent volume claim", "kubernetes.podspec-persistent-volume-claim"),
        ("hostPath", "HostPath volume", "kubernetes.podspec-volumes-hostpath"),
        ("csi", "CSI volume", "kubernetes.podspec-volumes-csi"),
        ("ephemeral", "Ephemeral volume", "kubernetes.podspec-volumes-ephemeral"),
        ("image", "Image volume", "kubernetes.podspec-volumes-image"),
    ];

    private static readonly string[] s_always = ["secret", "configMap", "projected"];
    private static readonly string[] s_projections = ["secret", "configMap", "serviceAccountToken", "downwardAPI"];

    /// <summary>Checks the volumes and answers them by name.</summary>
    public static Dictionary<string, JsonObject> Check(JsonObject? spec, string path, FeaturesConfig features, Problems to)
    {
        var mounted = spec.Objects("containers").Concat(spec.Objects("initContainers"))
            .SelectMany(c => c.Item.Objects("volumeMounts")).Select(m => m.Item.String("name")).ToHashSet(StringComparer.Ordinal);
        var volumes = new Dictionary<string, JsonObject>(StringComparer.Ordinal);
        foreach (var (i, volume) in spec.Objects("volumes"))
        {
            var at = $"{path}.volumes[{i}]";
            var name = volume.String("name");
            if (name.Length == 0)
            {
                to.Missing($"{at}.name");
            }
            else if (Names.Label(name) is not null)
            {
                to.Wrong(name, $"{at}.name");
            }
            else if (!volumes.TryAdd(name, volume))
            {
                to.Say($"duplicate volume name \"{name}\"", $"{at}.name");
            }
            if (name.Length > 0 && !mounted.Contains(name))
            {
                to.Say($"volume with name \"{name}\" not mounted", $"{at}.name");
            }
            Source(volume, name, at, features, to);
        }
        return volumes;
    }

    public static void Mounts(JsonObject container, string at, Dictionary<string, JsonObject> volumes, FeaturesConfig features, Problems to)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, mount) in container.Objects("volumeMounts"))
        {
            var path = $"{at}.volumeMounts[{i}]";
            to.OnlyFields(mount, path, f => f is "name" or "readOnly" or "mountPath" or "subPath" or "mountPropagation");
            var volume = volumes.GetValueOrDefault(mount.String("name"));
            if (volume is null)
            {
                to.Say("volumeMount has no matching volume", $"{path}.name");
            }
            MountPath(mount.String("mountPath"), $"{path}.mountPath", seen, to);
            var writable = volume.Has("emptyDir") || volume.Has("persistentVolumeClaim") || volume.Has("ephemeral");
            if (!writable && mount.Bool("readOnly") != true)
            {
                to.Say("volume mount should be readOnly for this type of volume", $"{path}.readOnly");
            }
            if (volume.Object("persistentVolumeClaim").Bool("readOnly") == true && mount.Bool("readOnly") != true)
            {
                to.Say("volume is readOnly but volume mount is not", $"{path}.readOnly");
            }
            Propagation(mount, path, features, to);
        }
    }

    private static void Propagation(JsonObject mount, string path, FeaturesConfig features, Problems to)
    {
        if (mount.String("mountPropagation") is not { Length: > 0 } propagation)
        {
            return;
        }
        if (features[PropagationGate] != FeatureFlag.Enabled)
        {
            to.Say($"Volume Mount Propagation support is disabled, but found volume mount {mount.String("name")} with mount propagation",
                $"{path}.mountPropagation", RevisionRules.Gate(PropagationGate));
        }
        if (propagation is not ("None" or "HostToContainer"))
        {
            to.Say("mount propagation should be set to None or HostToContainer", $"{path}.mountPropagation");
        }
    }

    private static void MountPath(string mountPath, string path, HashSet<string> seen, Problems to)
    {
        if (mountPath.Length == 0)
        {
            to.Missing(path);
            return;
        }
        var clean = Clean(mountPath);
        if (clean is "/" or "/dev" or "/dev/log")
        {
            to.Say($"mountPath \"{clean}\" is a reserved path", path);
        }
        else if (mountPath[0] != '/')
        {
            to.Wrong(mountPath, path);
        }
        else if (!seen.Add(clean))
        {
            to.Wrong($"\"{mountPath}\" must be unique", path);
        }
    }

    // As a path is resolved: no empty or "." part, ".." takes one away.
    private static string Clean(string path)
    {
        var parts = new List<string>();
        foreach (var part in path.Split('/'))
        {
            if (part == ".." && parts.Count > 0)
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else if (part is not ("" or "." or ".."))
            {
                parts.Add(part);
            }
        }
        return "/" + string.Join('/', parts);
    }

    private static void Source(JsonObject volume, string name, string at, FeaturesConfig features, Problems to)
    {
        to.OnlyFields(volume, at, f => f == "name" || s_always.Contains(f) || s_gated.Any(g => g.Field == f));
        foreach (var (field, what, gate) in s_gated)
        {
            if (volume.Has(field) && features[gate] != FeatureFlag.Enabled)
            {
                to.Say($"{what} support is disabled, but found {what} {name}", $"{at}.{field}", RevisionRules.Gate(gate));
            }
        }
        const string Write = "kubernetes.podspec-persistent-volume-write";
        if (volume.Object("persistentVolumeClaim") is { } claim && claim.Bool("readOnly") != true && features[Write] != FeatureFlag.Enabled)
        {
            to.Say($"Persistent volume write support is disabled, but found persistent volume claim {claim.String("claimName")} that is not read-only",
                $"{at}.persistentVolumeClaim", RevisionRules.Gate(Write));
        }
        var known = s_always.Concat(s_gated.Select(g => g.Field)).ToArray();
        var set = known.Where(volume.Has).ToArray();
        if (set.Length == 0)
        {
            to.NoneOf([.. s_always.Concat(s_gated.Where(g => features[g.Gate] == FeatureFlag.Enabled).Select(g => g.Field)).Select(f => $"{at}.{f}")]);
        }
        else if (set.Length > 1)
        {
            to.ManyOf([.. set.Select(f => $"{at}.{f}")]);
        }
        Items(volume.Object("secret"), $"{at}.secret", to);
        Items(volume.Object("configMap"), $"{at}.configMap", to);
        EmptyDir(volume.Object("emptyDir"), $"{at}.emptyDir", to);
        Image(volume.Object("image"), $"{at}.image", to);
        foreach (var (i, source) in volume.Object("projected").Objects("sources"))
        {
            Projection(source, $"{at}.projected.sources[{i}]", to);
        }
    }

    private static void EmptyDir(JsonObject? dir, string at, Problems to)
    {
        to.OneOf(dir, "medium", at, "Memory");
        if (dir?["sizeLimit"] is { } limit && (!Amounts.TryRead(limit, out var amount) || amount.IsNegative))
        {
            to.Wrong(Amounts.Text(limit), $"{at}.sizeLimit");
        }
    }

    private static void Image(JsonObject? image, string at, Problems to)
    {
        if (image is null)
        {
            return;
        }
        to.OnlyFields(image, at, f => f is "reference" or "pullPolicy");
        to.Need(image, "reference", at);
        to.OneOf(image, "pullPolicy", at, "Always", "IfNotPresent", "Never");
    }

    private static void Projection(JsonObject source, string at, Problems to)
    {
        to.OnlyFields(source, at, s_projections.Contains);
        var set = s_projections.Where(source.Has).ToArray();
        if (set.Length == 0)
        {
            to.NoneOf([.. s_projections.Select(f => $"{at}.{f}")]);
        }
        else if (set.Length > 1)
        {
            to.ManyOf([.. set.Select(f => $"{at}.{f}")]);
        }
        foreach (var field in new[] { "secret", "configMap" })
        {
            if (source.Object(field) is { } reference)
            {
                to.OnlyFields(reference, $"{at}.{field}", f => f is "name" or "items" or "optional");
                to.Need(reference, "name", $"{at}.{field}");
                Items(reference, $"{at}.{field}", to);
            }
        }
        if (source.Object("serviceAccountToken") is { } token)
        {
            to.OnlyFields(token, $"{at}.serviceAccountToken", f => f is "audience" or "expirationSeconds" or "path");
            to.Need(token, "path", $"{at}.serviceAccountToken");
        }
        foreach (var (i, item) in source.Object("downwardAPI").Objects("items"))
        {
            Downward(item, $"{at}.downwardAPI.items[{i}]", to);
        }
    }

    private static void Downward(JsonObject item, string at, Problems to)
    {
        var field = item.Has("fieldRef");
        if (!field && !item.Has("resourceFieldRef"))
        {
            to.NoneOf($"{at}.fieldRef", $"{at}.resourceFieldRef");
        }
        else if (field && item.Has("resourceFieldRef"))
        {
            to.Say("Within a single item, cannot set both", $"{at}.resourceFieldRef");
            to.Say("Within a single item, cannot set both", $"{at}.fieldRef");
        }
        to.Need(item, "path", at);
    }

    private static void Items(JsonObject? owner, string at, Problems to)
    {
        foreach (var (i, item) in owner.Objects("items"))
        {
            to.OnlyFields(item, $"{at}.items[{i}]", f => f is "key" or "path" or "mode");
            to.Need(item, "key", $"{at}.items[{i}]");
            to.Need(item, "path", $"{at}.items[{i}]");
        }
    }
}
