using System.Collections.Concurrent;
using System.Globalization;
using Serval.Api.Admission;
using Serval.Api.Core;
using Serval.Images;
using Serval.Node.Containers;
using Serval.Node.Processes;

namespace Serval.Node.Volumes;

/// <summary>The volumes of one pod, below its own directory.</summary>
/// <param name="pod">The pod.</param>
/// <param name="directory">Where they lie.</param>
/// <param name="mountsAllowed">Whether containers can have views of their own.</param>
/// <param name="group">Owns the files: the pod's fsGroup (core/v1 PodSecurityContext); null leaves them to Serval's.</param>
internal sealed class PodVolumes(Pod pod, string directory, bool mountsAllowed, long? group) : IDisposable
{
    public const UnixFileMode OpenToAll = (UnixFileMode)0x1FF; // emptyDir is rwxrwxrwx, as kubelet's

    private readonly HashSet<string> _written = new(StringComparer.Ordinal); // volumes made from API objects
    private readonly ConcurrentDictionary<string, string> _images = new(StringComparer.Ordinal); // volume → the unpacked image
    private int _namespace = -1;

    private int Group => (int)(group ?? -1);

    /// <summary>A descriptor of the namespace that holds the pod's memory volumes; -1 when it has none.</summary>
    public int Namespace => _namespace;

    /// <summary>The volume is this image's files. Any thread, before <see cref="Prepare"/>.</summary>
    public void UseImage(Volume volume, ImageRoot image) => _images[volume.Name] = image.RootDirectory;

    /// <summary>Writes the volumes a container mounts and says what to bind where. Throws <see cref="ContainerConfigException"/>.</summary>
    /// <param name="container">The container.</param>
    /// <param name="payload">What is in them.</param>
    /// <param name="ownView">Whether it sees nothing of the machine; else nobody mounts it the token it did not ask for.</param>
    public IReadOnlyList<BindMount> Prepare(Container container, VolumePayload payload, bool ownView)
    {
        var mounts = container.VolumeMounts.Where(m => !AccountMount.IsIt(Find(container, m)) || (ownView && payload.HasTokens)).ToList();
        if (mounts.Count == 0)
        {
            return [];
        }
        foreach (var mount in mounts)
        {
            _ = Supported(Find(container, mount));
        }
        if (!mountsAllowed)
        {
            var mount = mounts[0];
            throw new ContainerConfigException(
                $"container \"{container.Name}\" mounts volume \"{mount.Name}\" at {mount.MountPath}, which needs the privilege CAP_SYS_ADMIN "
                + "that Serval does not have here; run Serval as root (or grant the capability), or pass the data through env instead");
        }
        var binds = new List<BindMount>();
        foreach (var mount in mounts)
        {
            var volume = Find(container, mount);
            try
            {
                var path = Write(volume, payload);
                binds.Add(new BindMount(path, mount.MountPath, mount.ReadOnly || !IsOpen(volume))
                {
                    SubPath = mount.SubPath, NewMode = NewMode(path, mount, volume), NoExecute = volume.Image is not null,
                });
            }
            catch (ContainerConfigException e)
            {
                throw new ContainerConfigException(e.Message, e.Reason) { Volume = volume.Name };
            }
        }
        EnterMemory();
        return binds;
    }

    /// <summary>
    /// Writes changed ConfigMaps and Secrets to the volumes already made; what is missing now keeps its last state, as kubelet does. False when the
    /// disk did not take one of them: it keeps its last state too, and wants another try.
    /// </summary>
    public bool Refresh(VolumePayload payload)
    {
        var all = true;
        foreach (var volume in pod.Spec.Volumes.Where(v => _written.Contains(v.Name)))
        {
            try
            {
                Write(volume, payload);
            }
            catch (ContainerConfigException)
            {
                // Running containers go on with what they have; a restart reports it.
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                all = false;
            }
        }
        return all;
    }

    public void Dispose()
    {
        if (_namespace >= 0)
        {
            _ = Libc.close(_namespace);
            _namespace = -1;
        }
    }

    private Volume Find(Container container, VolumeMount mount) =>
        pod.Spec.Volumes.FirstOrDefault(v => v.Name == mount.Name)
        ?? throw new ContainerConfigException($"container \"{container.Name}\" mounts volume \"{mount.Name}\", which the pod does not define");

    private static Volume Supported(Volume volume) =>
        volume is { ConfigMap: null, Secret: null, EmptyDir: null, HostPath: null, Image: null, Projected: null, DownwardApi: null }
            ? throw new ContainerConfigException(
                $"volume \"{volume.Name}\" is of type {string.Join(", ", volume.Other?.Keys ?? [])}, which this node does not support; "
                + "use configMap, secret, projected, downwardAPI, emptyDir, hostPath or image")
            : volume;

    private static bool IsOpen(Volume volume) => volume is { EmptyDir: not null } or { HostPath: not null };

    private string Write(Volume volume, VolumePayload payload)
    {
        if (volume.HostPath is { } host)
        {
            return HostPath.Prepare(host);
        }
        if (volume.Image is not null)
        {
            return _images[volume.Name];
        }
        if (AccountMount.IsIt(volume) && payload.AccountDirectory() is { } shared)
        {
            _written.Add(volume.Name);
            return shared;
        }
        var path = Path.Combine(directory, volume.Name);
        if (payload.Read(volume) is { } files)
        {
            AtomicDirectory.Write(path, files, Group);
            _written.Add(volume.Name);
        }
        else if (!Directory.Exists(path))
        {
            Directory.CreateDirectory(path);
            _ = Libc.chown(path, -1, Group);
            File.SetUnixFileMode(path, group is null ? OpenToAll : OpenToAll | UnixFileMode.SetGroup);
        }
        return path;
    }

    // What a volume of others' files does not have is not made.
    private static UnixFileMode? NewMode(string path, VolumeMount mount, Volume volume)
    {
        if (mount.SubPath.Length > 0 && IsOpen(volume))
        {
            return volume.HostPath is null ? OpenToAll : HostPath.ModeOf(path); // as the volume: kubelet's SafeMakeDir of subPaths
        }
        return mount.SubPath.Length == 0 || Path.Exists(RootPath.Resolve(path, mount.SubPath))
            ? null
            : throw new ContainerConfigException($"volume \"{volume.Name}\" has no file {mount.SubPath} for subPath at {mount.MountPath}");
    }

    private void EnterMemory()
    {
        if (_namespace >= 0)
        {
            return;
        }
        var memory = pod.Spec.Volumes.Where(v => v.EmptyDir?.Medium == "Memory").Select(v => (Path.Combine(directory, v.Name), Size(v))).ToList();
        if (memory.Count > 0)
        {
            memory.ForEach(m => Directory.CreateDirectory(m.Item1));
            _namespace = ProcessRuntime.OnOwnThread(() => MountNamespace.CreateForPod(memory));
        }
    }

    private string Size(Volume volume) =>
        (group is null ? "mode=1777" : $"mode=3777,gid={Group}") + (ContainerResources.Number(volume.EmptyDir!.SizeLimit) is > 0 and var size
            ? ",size=" + decimal.Ceiling(size).ToString(CultureInfo.InvariantCulture)
            : "");
}
