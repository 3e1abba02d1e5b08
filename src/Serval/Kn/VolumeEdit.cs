using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Cli;

namespace Serval.Kn;

/// <summary>Volumes and where they are mounted (knative/client: pkg/flags).</summary>
internal static class VolumeEdit
{
    private const string Sources = "cm:NAME, secret:NAME, ed:NAME[:type=Memory,size=1Gi] or pvc:NAME";

    /// <summary><c>NAME=SOURCE</c> or <c>NAME-</c>, which waits until the mounts are changed.</summary>
    public static void SetVolume(EditTarget target, string word)
    {
        var (name, text) = Assignment.Parse("volume", word);
        if (text is not null)
        {
            var volume = Volume(name, text) ?? throw new CliException(ExitCodes.Usage, $"--volume \"{word}\" is not understood; write NAME={Sources}, or NAME-");
            EditTarget.Put(target.PodSpec, "volumes", v => v.String("name") == name, volume);
            return;
        }
        target.AtEnd(() =>
        {
            if (IsMounted(target, name))
            {
                throw new CliException(ExitCodes.Usage, $"the volume \"{name}\" cannot be removed because it is mounted; remove the mount with --mount DIR- too");
            }
            EditTarget.Remove(target.PodSpec, "volumes", v => v.String("name") == name);
        });
    }

    /// <summary><c>DIR=[SOURCE:]NAME[/SUBPATH][:readOnly=BOOL]</c> or <c>DIR-</c>.</summary>
    public static void SetMount(EditTarget target, string word)
    {
        var (path, text) = Assignment.Parse("mount", word);
        var generated = GeneratedName(path);
        if (text is null)
        {
            EditTarget.Remove(target.Container, "volumeMounts", m => m.String("mountPath") == path);
            if (!IsMounted(target, generated))
            {
                EditTarget.Remove(target.PodSpec, "volumes", v => v.String("name") == generated);
            }
            return;
        }
        var parts = text.Split(':');
        var typed = Volume(generated, $"{parts[0]}:x") is not null;
        var rest = parts.AsSpan(typed ? 1 : 0);
        if (rest.Length is 0 or > 2)
        {
            throw Wrong(word);
        }
        var slash = rest[0].IndexOf('/', StringComparison.Ordinal);
        var (name, subPath) = slash < 0 ? (rest[0], "") : (rest[0][..slash], rest[0][(slash + 1)..]);
        if (name.Length == 0)
        {
            throw Wrong(word);
        }
        if (typed)
        {
            EditTarget.Put(target.PodSpec, "volumes", v => v.String("name") == generated, Volume(generated, $"{parts[0]}:{name}")!);
            name = generated;
        }
        Mount(target, path, name, subPath, rest.Length == 2 ? ReadOnly(word, rest[1]) : null);
    }

    /// <summary>
    /// The volume kn makes for a mount, so that each takes away what the other made: the path in the letters of a DNS label, and the first four
    /// bytes of its SHA-1 (knative/client: GenerateVolumeName).
    /// </summary>
    public static string GeneratedName(string path)
    {
        var label = string.Concat(path.Select((c, i) => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c).ToString() : c == '/' && i == 0 ? "" : "-"));
#pragma warning disable CA5350 // The names must equal kn's; nothing is protected by this hash.
        var name = $"{label}-{Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(path)).AsSpan(0, 4))}";
#pragma warning restore CA5350
        name = char.IsAsciiLetterOrDigit(name[0]) ? name : "k-" + name;
        return name.Length <= 63 ? name : name[..61] + "-n";
    }

    private static void Mount(EditTarget target, string path, string volume, string subPath, bool? readOnly)
    {
        var source = target.PodSpec.Objects("volumes").Select(v => v.Item).FirstOrDefault(v => v.String("name") == volume)
            ?? throw new CliException(ExitCodes.Usage, $"--mount {path}={volume}: there is no volume \"{volume}\"; add it with --volume {volume}=…, or mount one of {Sources}");
        var mount = new JsonObject { ["name"] = volume, ["mountPath"] = path };
        if (readOnly ?? !(source.Has("emptyDir") || source.Has("persistentVolumeClaim")))
        {
            mount["readOnly"] = true;
        }
        if (subPath.Length > 0)
        {
            mount["subPath"] = subPath;
        }
        EditTarget.Put(target.Container, "volumeMounts", m => m.String("mountPath") == path, mount);
    }

    private static bool IsMounted(EditTarget target, string volume) =>
        target.PodSpec.Objects("containers").Any(c => c.Item.Objects("volumeMounts").Any(m => m.Item.String("name") == volume));

    private static bool ReadOnly(string word, string option) => option.Split('=') switch
    {
        [var key, var value] when key.Equals("readOnly", StringComparison.OrdinalIgnoreCase) && bool.TryParse(value, out var yes) => yes,
        _ => throw Wrong(word),
    };

    private static JsonObject? Volume(string name, string text) => text.Split(':', 3) switch
    {
        ["cm" or "config-map", { Length: > 0 } map] => new() { ["name"] = name, ["configMap"] = new JsonObject { ["name"] = map } },
        ["sc" or "secret", { Length: > 0 } secret] => new() { ["name"] = name, ["secret"] = new JsonObject { ["secretName"] = secret } },
        ["ed" or "emptyDir", { Length: > 0 }] => new() { ["name"] = name, ["emptyDir"] = new JsonObject() },
        ["ed" or "emptyDir", { Length: > 0 }, var options] => EmptyDir(options) is { } source ? new() { ["name"] = name, ["emptyDir"] = source } : null,
        ["pvc" or "persistentVolumeClaim", { Length: > 0 } claim] => new() { ["name"] = name, ["persistentVolumeClaim"] = new JsonObject { ["claimName"] = claim } },
        _ => null,
    };

    private static JsonObject? EmptyDir(string options)
    {
        var source = new JsonObject();
        foreach (var option in options.Split(','))
        {
            if (option.Split('=') is not [var key, { Length: > 0 } value] || key.ToLowerInvariant() is not ("type" or "size"))
            {
                return null;
            }
            source[key.Equals("type", StringComparison.OrdinalIgnoreCase) ? "medium" : "sizeLimit"] = value;
        }
        return source;
    }

    private static CliException Wrong(string word) =>
        new(ExitCodes.Usage, $"--mount \"{word}\" is not understood; write DIR=VOLUME or DIR=cm:NAME, secret:NAME, ed:NAME, pvc:NAME, then /SUBPATH and :readOnly=true if you like, or DIR-");
}
