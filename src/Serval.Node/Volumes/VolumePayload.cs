using System.Text;
using Serval.Api.Admission;
using Serval.Api.Core;
using Serval.Node.Containers;

namespace Serval.Node.Volumes;

/// <summary>The files of a volume that comes from API objects. Messages are kubelet's.</summary>
/// <param name="pod">The pod.</param>
/// <param name="fields">What the downward API tells of it.</param>
/// <param name="references">The objects.</param>
/// <param name="tokens">Its tokens.</param>
/// <param name="users">Whether files can have owners.</param>
internal sealed class VolumePayload(Pod pod, PodFields fields, IReferences references, PodTokens tokens, bool users)
{
    private const int DefaultMode = 0x1A4; // rw-r--r--
    private const int OwnersMode = 0x180; // rw-------

    /// <summary>Whether there are tokens.</summary>
    public bool HasTokens => tokens.Exist;

    /// <summary>What all pods of the account find (<see cref="AccountMount"/>); null where each has files of its own. Throws <see cref="ContainerConfigException"/>.</summary>
    public string? AccountDirectory() => tokens.AccountDirectory();

    /// <summary>The files, or null when the volume is not of such a kind.</summary>
    public Dictionary<string, VolumeFile>? Read(Volume volume)
    {
        var files = new Dictionary<string, VolumeFile>(StringComparer.Ordinal);
        switch (volume)
        {
            case { ConfigMap: { } c }:
                AddConfigMap(files, c.Name, c.Items, c.DefaultMode ?? DefaultMode, c.Optional);
                return files;
            case { Secret: { } s }:
                AddSecret(files, s.SecretName, s.Items, s.DefaultMode ?? DefaultMode, s.Optional);
                return files;
            case { DownwardApi: { } d }:
                AddFields(files, d.Items, d.DefaultMode ?? DefaultMode);
                return files;
            case { Projected: { } p }:
                foreach (var source in p.Sources)
                {
                    AddSource(files, volume.Name, source, p.DefaultMode ?? DefaultMode);
                }
                return files;
            default:
                return null;
        }
    }

    private void AddSource(Dictionary<string, VolumeFile> files, string volume, ProjectedSource source, int mode)
    {
        if (source.Other is { Count: > 0 } other)
        {
            throw new ContainerConfigException(
                $"projected volume \"{volume}\": source {string.Join(", ", other.Keys)} is not supported by this node; "
                + "use configMap, secret, downwardAPI or serviceAccountToken");
        }
        if (source.ConfigMap is { } c)
        {
            AddConfigMap(files, c.Name, c.Items, mode, c.Optional);
        }
        if (source.Secret is { } s)
        {
            AddSecret(files, s.Name, s.Items, mode, s.Optional);
        }
        if (source.DownwardApi is { } d)
        {
            AddFields(files, d.Items, mode);
        }
        if (source.ServiceAccountToken is { } t)
        {
            // kubelet: pkg/volume/projected, collectData; the group's right comes with the volume's (AtomicDirectory).
            var user = users ? OnlyUser() : null;
            var narrow = users && (user is not null || pod.Spec.SecurityContext.FsGroup is not null);
            files[Checked(t.Path)] = new VolumeFile(Encoding.UTF8.GetBytes(tokens.Get(t)), narrow ? OwnersMode : mode, (int)(user ?? -1));
        }
    }

    // Whom every container is told to run as (kubelet: pkg/volume/util, FsUserFrom); null when one is told nothing, or another one.
    private long? OnlyUser()
    {
        var told = pod.Spec.InitContainers.Concat(pod.Spec.Containers).Select(c => c.SecurityContext.RunAsUser ?? pod.Spec.SecurityContext.RunAsUser).Distinct().ToList();
        return told is [{ } only] ? only : null;
    }

    private void AddConfigMap(Dictionary<string, VolumeFile> files, string name, IReadOnlyList<KeyToPath> items, int mode, bool? optional)
    {
        if (references.ConfigMap(name) is { } map)
        {
            var data = map.Data.ToDictionary(p => p.Key, p => Encoding.UTF8.GetBytes(p.Value), StringComparer.Ordinal);
            foreach (var (key, value) in map.BinaryData)
            {
                data[key] = Convert.FromBase64String(value);
            }
            Add(files, $"configmap \"{name}\"", data, items, mode, optional);
        }
        else if (optional != true)
        {
            throw ContainerConfigException.NotFound("configmap", name);
        }
    }

    private void AddSecret(Dictionary<string, VolumeFile> files, string name, IReadOnlyList<KeyToPath> items, int mode, bool? optional)
    {
        if (references.Secret(name) is { } secret)
        {
            var data = secret.Data.ToDictionary(p => p.Key, p => Convert.FromBase64String(p.Value), StringComparer.Ordinal);
            Add(files, $"secret \"{name}\"", data, items, mode, optional);
        }
        else if (optional != true)
        {
            throw ContainerConfigException.NotFound("secret", name);
        }
    }

    private void AddFields(Dictionary<string, VolumeFile> files, IReadOnlyList<DownwardApiFile> items, int mode)
    {
        foreach (var item in items)
        {
            var value = item switch
            {
                { FieldRef: { } f } => fields.Value(f.FieldPath) ?? throw new ContainerConfigException($"unsupported fieldPath: {f.FieldPath}"),
                { ResourceFieldRef: { } r } => ContainerResources.Value(pod, pod.Spec.Containers[0], r),
                _ => "",
            };
            files[Checked(item.Path)] = new VolumeFile(Encoding.UTF8.GetBytes(value), item.Mode ?? mode);
        }
    }

    private static void Add(
        Dictionary<string, VolumeFile> files, string source, Dictionary<string, byte[]> data, IReadOnlyList<KeyToPath> items, int mode, bool? optional)
    {
        if (items.Count == 0)
        {
            foreach (var (key, value) in data)
            {
                files[key] = new VolumeFile(value, mode);
            }
            return;
        }
        foreach (var item in items)
        {
            if (data.TryGetValue(item.Key, out var value))
            {
                files[Checked(item.Path)] = new VolumeFile(value, item.Mode ?? mode);
            }
            else if (optional != true)
            {
                throw new ContainerConfigException($"{source} references non-existent config key: {item.Key}; add the key, or make the reference optional");
            }
        }
    }

    private static string Checked(string path) =>
        path.Length == 0 || path.StartsWith('/') || path.Split('/').Contains("..")
            ? throw new ContainerConfigException($"volume path \"{path}\" must be relative and must not contain '..'")
            : path;
}
