using Serval.Api.Admission;
using Serval.Node.Containers;
using Serval.Node.Processes;

namespace Serval.Node.Volumes;

/// <summary>
/// Builds a container's private mount namespace on the calling thread, which must end after it has spawned. Nothing is written to the
/// machine's directories: a mount point that does not exist is made in a copy of its parent's listing on a temporary file system.
/// </summary>
internal sealed class MountNamespace
{
    private const int MostEntries = 512;
    private const uint Umask = 0x12; // --- -w- -w-: what the OCI runtimes give a container

    private readonly MountPlan _plan;
    private readonly HashSet<string> _own = new(StringComparer.Ordinal); // directories that exist in this namespace only
    private string _root = "/";
    private string? _stage;
    private int _made; // below the stage

    private MountNamespace(MountPlan plan) => _plan = plan;

    /// <summary>Enters the namespace. Returns the child's root, or null when it is the thread's.</summary>
    public static ChildRoot? Enter(MountPlan plan) => Build(plan) is not "/" and var root ? new ChildRoot(Open(root), IsMount: true) : null;

    /// <summary>Makes the view. Returns the directory that is its root.</summary>
    internal static string Build(MountPlan plan)
    {
        EnterPrivate(plan.BaseNamespace);
        _ = Libc.umask(0); // modes are as written below; the file system context is this thread's own
        var view = new MountNamespace(plan);
        if (plan.ImageRoot is { } image)
        {
            view.UseImage(image);
        }
        foreach (var bind in view.EtcFiles().Concat(plan.Binds).OrderBy(b => b.Target.Length))
        {
            view.Bind(bind);
        }
        if (plan is { ImageRoot: not null, ReadOnlyRoot: true })
        {
            Mount("none", view._root, null, Libc.MS_BIND | Libc.MS_REMOUNT | Libc.MS_RDONLY, null);
        }
        _ = Libc.umask(Umask);
        return view._root;
    }

    /// <summary>Enters the view of a running process. Returns its root directory.</summary>
    public static ChildRoot Join(ChildProcess process)
    {
        Check(Libc.unshare(Libc.CLONE_FS), "unshare");
        _ = Libc.umask(Umask);
        var root = Open($"/proc/{process.Pid}/root");
        var view = Libc.open($"/proc/{process.Pid}/ns/mnt", Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (!process.IsHere)
        {
            _ = Libc.close(root);
            _ = Libc.close(view);
            throw new SpawnException("the container has ended"); // its number may be another's by now, with rights of its own
        }
        SetNamespace(view);
        return new ChildRoot(root, IsMount: false);
    }

    /// <summary>
    /// Makes a namespace with temporary file systems at the given directories and returns a descriptor of it. Containers of a pod start
    /// from it, so that they share its memory volumes.
    /// </summary>
    public static int CreateForPod(IReadOnlyList<(string Directory, string Options)> memory)
    {
        EnterPrivate(-1);
        foreach (var (directory, options) in memory)
        {
            Mount("tmpfs", directory, "tmpfs", Libc.MS_NOSUID | Libc.MS_NODEV, options);
        }
        var fd = Libc.open("/proc/thread-self/ns/mnt", Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        Check(fd, "open /proc/thread-self/ns/mnt");
        return fd;
    }

    private static void EnterPrivate(int from)
    {
        if (from >= 0)
        {
            Check(Libc.unshare(Libc.CLONE_FS), "unshare");
            Check(Libc.setns(from, Libc.CLONE_NEWNS), "setns");
        }
        Check(Libc.unshare(Libc.CLONE_FS | Libc.CLONE_NEWNS), "unshare");
        Mount("none", "/", null, Libc.MS_REC | Libc.MS_PRIVATE, null);
    }

    private static void SetNamespace(int fd)
    {
        Check(fd, "open a mount namespace");
        var result = Libc.setns(fd, Libc.CLONE_NEWNS);
        _ = Libc.close(fd);
        Check(result, "setns");
    }

    private void UseImage(string image)
    {
        var stage = Stage();
        var upper = Path.Combine(_plan.Scratch, ".upper");
        var work = Path.Combine(_plan.Scratch, ".work");
        var root = Path.Combine(stage, "root");
        Recreate(upper);
        Recreate(work);
        File.SetUnixFileMode(upper, OpenDirectory.Mode); // it becomes the mode of "/", whatever this process' umask
        Directory.CreateDirectory(root);
        var lower = $"{Escape(image)}:{Escape(ViewBase.Layer(_plan.Base, _plan.Binds.Any(b => b.Target == AccountMount.Path)))}";
        if (Overlay(lower, upper, work, root) is not null)
        {
            // The data directory may lie on a file system that cannot be an upper layer (an overlay itself): memory can.
            var (memoryUpper, memoryWork) = (Path.Combine(stage, "upper"), Path.Combine(stage, "work"));
            Directory.CreateDirectory(memoryUpper);
            File.SetUnixFileMode(memoryUpper, OpenDirectory.Mode);
            Directory.CreateDirectory(memoryWork);
            if (Overlay(lower, memoryUpper, memoryWork, root) is { } error)
            {
                throw new ContainerConfigException(
                    $"cannot lay a writable layer over image directory {image}: {error}; load the kernel module overlay",
                    ContainerConfigException.CreateContainerError);
            }
        }
        _root = root;
        KernelFiles.Mount(root, _plan.Groups);
        var etc = RootPath.Resolve(_root, "/etc");
        OpenDirectory.Create(etc);
        foreach (var name in _plan.EtcFiles.Keys)
        {
            MakePlain(Path.Combine(etc, name));
        }
    }

    // In the container's own layer: something to mount over, in the place of a link, which is not followed, or a directory of the image.
    private static void MakePlain(string path)
    {
        if (new FileInfo(path) is { Exists: true, LinkTarget: null })
        {
            return;
        }
        if (Directory.Exists(path) && new FileInfo(path).LinkTarget is null)
        {
            Directory.Delete(path, recursive: true);
        }
        else
        {
            File.Delete(path);
        }
        File.Create(path).Dispose();
    }

    private List<BindMount> EtcFiles()
    {
        if (_plan.EtcFiles.Count == 0 || _plan.Binds.Any(b => b.ReadOnly && b.Target.TrimEnd('/') == "/etc"))
        {
            return []; // what is there is all that there can be
        }
        var directory = Path.Combine(Stage(), "etc");
        Directory.CreateDirectory(directory);
        Mount("tmpfs", directory, "tmpfs", Libc.MS_NOSUID | Libc.MS_NODEV | Libc.MS_NOEXEC, "mode=0755,size=1m"); // the stage itself cannot be bound
        return [.. _plan.EtcFiles.Select(f => Write(Path.Combine(directory, f.Key), f.Value, "/etc/" + f.Key))];

        BindMount Write(string path, string text, string target)
        {
            File.WriteAllText(path, text);
            File.SetUnixFileMode(path, (UnixFileMode)0x1A4); // rw-r--r--
            return new BindMount(path, target, _plan is { ImageRoot: not null, ReadOnlyRoot: true });
        }
    }

    // Volatile (Linux 5.10): the layer does not outlive its container, whose end would wait until all that is dirty on the disk is written.
    private static string? Overlay(string lower, string upper, string work, string at)
    {
        var options = $"lowerdir={lower},upperdir={Escape(upper)},workdir={Escape(work)}";
        return Libc.mount("overlay", at, "overlay", 0, options + ",volatile") == 0 || Libc.mount("overlay", at, "overlay", 0, options) == 0
            ? null
            : Libc.LastErrorText();
    }

    // Where another volume is mounted, or below one that others write to, a path can mean something else at each look: both ends are opened once.
    private void Bind(BindMount bind)
    {
        using var source = (bind.NewMode is { } mode ? PinnedPath.Make(bind.Source, bind.SubPath, mode) : PinnedPath.Open(bind.Source, bind.SubPath))
            ?? throw new ContainerConfigException($"there is no {bind.SubPath} for subPath at {bind.Target} in the volume");
        var isDirectory = source.IsDirectory;
        if (_plan.ImageRoot is null && RootPath.Resolve(_root, bind.Target) is var present && !(isDirectory ? Directory.Exists(present) : File.Exists(present)))
        {
            MakeTarget(bind.Target, isDirectory);
        }
        if (_plan.ImageRoot is not null && RootPath.Resolve(_root, bind.Target) == _root + KernelFiles.Processes)
        {
            throw new ContainerConfigException($"{bind.Target} cannot be a volume: programs need the kernel's", ContainerConfigException.CreateContainerError);
        }
        using var target = PinnedPath.Make(_root, bind.Target, OpenDirectory.Mode, file: !isDirectory);
        if (!bind.ReadOnly)
        {
            Mount(source.Path, target.Path, null, Libc.MS_BIND | Libc.MS_REC, null);
            return;
        }
        // What an open target leads to is what is below the mount, so that this is made elsewhere.
        var stage = NewName();
        CreateTarget(stage, isDirectory);
        Mount(source.Path, stage, null, Libc.MS_BIND | Libc.MS_REC, null);
        Mount("none", stage, null, Libc.MS_BIND | Libc.MS_REMOUNT | Libc.MS_RDONLY | (bind.NoExecute ? Libc.MS_NOEXEC : 0), null);
        Mount(stage, target.Path, null, Libc.MS_MOVE, null);
    }

    private void MakeTarget(string path, bool isDirectory)
    {
        var target = RootPath.Resolve(_root, path);
        var parent = ExistingParent(target);
        if (!_own.Contains(parent))
        {
            CopyListing(parent);
            target = RootPath.Resolve(_root, path); // the root itself may have moved
        }
        for (var made = Path.GetDirectoryName(target); made is not null && !Directory.Exists(made); made = Path.GetDirectoryName(made))
        {
            _own.Add(made);
        }
        CreateTarget(target, isDirectory);
    }

    private static string ExistingParent(string path)
    {
        var parent = Path.GetDirectoryName(path) ?? "/";
        while (!Directory.Exists(parent))
        {
            parent = Path.GetDirectoryName(parent) ?? "/";
        }
        return parent;
    }

    // Replaces a directory by one of our own that shows the same entries.
    private void CopyListing(string directory)
    {
        var entries = Directory.GetFileSystemEntries(directory);
        var stage = NewStage();
        if (entries.Length > MostEntries)
        {
            var (upper, work) = (Path.Combine(stage, "upper"), Path.Combine(stage, "work"));
            Directory.CreateDirectory(upper);
            File.SetUnixFileMode(upper, File.GetUnixFileMode(directory)); // it becomes the directory's
            Directory.CreateDirectory(work);
            if (Overlay(Escape(directory), upper, work, directory) is { } error)
            {
                throw new ContainerConfigException($"cannot make a mount point in {directory}: overlay: {error}; mount at a path that exists");
            }
            _own.Add(directory);
            return;
        }
        foreach (var entry in entries)
        {
            Show(entry, Path.Combine(stage, Path.GetFileName(entry)));
        }
        if (directory == "/")
        {
            _root = stage;
            _own.Add(stage);
        }
        else
        {
            Mount(stage, directory, null, Libc.MS_MOVE, null);
            _own.Add(directory);
        }
    }

    private static void Show(string entry, string at)
    {
        if (new FileInfo(entry).LinkTarget is { } link)
        {
            File.CreateSymbolicLink(at, link);
            return;
        }
        CreateTarget(at, Directory.Exists(entry));
        // An entry that cannot be bound (it vanished, or is a stale mount) is shown empty instead of failing the container.
        _ = Libc.mount(entry, at, null, Libc.MS_BIND | Libc.MS_REC, null);
    }

    private string NewStage()
    {
        var stage = NewName();
        Directory.CreateDirectory(stage);
        MountStage(stage);
        return stage;
    }

    private string NewName() => Path.Combine(Stage(), $"{_made++}");

    private string Stage()
    {
        if (_stage is null)
        {
            MountStage(_stage = ViewBase.Stage(_plan.Base));
        }
        return _stage;
    }

    private static void MountStage(string at)
    {
        Mount("tmpfs", at, "tmpfs", Libc.MS_NOSUID, "mode=0755");
        // Without this a recursive bind of a parent would show the stage inside itself.
        Mount("none", at, null, Libc.MS_UNBINDABLE, null);
    }

    private static void CreateTarget(string target, bool isDirectory)
    {
        if (isDirectory)
        {
            OpenDirectory.Create(target);
        }
        else if (!File.Exists(target))
        {
            OpenDirectory.Create(Path.GetDirectoryName(target)!);
            File.Create(target).Dispose();
        }
    }

    private static void Recreate(string directory)
    {
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
        Directory.CreateDirectory(directory);
    }

    private static string Escape(string path) =>
        path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal);

    private static int Open(string directory)
    {
        var fd = Libc.open(directory, Libc.O_PATH | Libc.O_CLOEXEC, 0);
        Check(fd, "open " + directory);
        return fd;
    }

    internal static void Mount(string source, string target, string? type, nuint flags, string? data)
    {
        if (Libc.mount(source, target, type, flags, data) != 0)
        {
            throw new ContainerConfigException(
                $"cannot mount {source} at {target}: {Libc.LastErrorText()}", ContainerConfigException.CreateContainerError);
        }
    }

    private static void Check(int result, string call)
    {
        if (result < 0)
        {
            throw new ContainerConfigException(
                $"cannot make a private mount namespace: {call}: {Libc.LastErrorText()}; run Serval with CAP_SYS_ADMIN",
                ContainerConfigException.CreateContainerError);
        }
    }
}
