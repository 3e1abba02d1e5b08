using Serval.Api.Core;
using Serval.Images;
using Serval.Node.Volumes;

namespace Serval.Node.Containers;

/// <summary>What to run and where, in the process runtime's terms.</summary>
/// <param name="Program">Absolute path of the program as Serval sees it.</param>
/// <param name="Arguments">argv.</param>
/// <param name="WorkingDirectory">Absolute path as Serval sees it.</param>
/// <param name="Environment">The whole environment.</param>
/// <param name="NeedsRoot">
/// The program is the image's and needs nothing that is not in it, so that the image can be its root directory; or another user runs it, who does
/// not reach the image from outside.
/// </param>
internal sealed record ContainerCommand(
    string Program, IReadOnlyList<string> Arguments, string WorkingDirectory, IReadOnlyDictionary<string, string> Environment, bool NeedsRoot)
{
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>Joins image and container as Kubernetes does, and finds the program: in the image first, then on the machine.</summary>
    /// <param name="container">The container.</param>
    /// <param name="image">Its image.</param>
    /// <param name="podEnvironment">From <see cref="ContainerEnvironment"/>.</param>
    /// <param name="hostName">The pod's name.</param>
    /// <param name="machine">A variable of this machine; null when unset.</param>
    /// <param name="user">Whom it runs as; null is this process' user.</param>
    public static ContainerCommand Resolve(
        Container container, ImageRoot image, IReadOnlyDictionary<string, string> podEnvironment, string hostName, Func<string, string?> machine,
        ContainerUser? user = null)
    {
        var argv = Argv(container, image, podEnvironment);
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var variable in image.Config.Env ?? [])
        {
            var equals = variable.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                environment[variable[..equals]] = variable[(equals + 1)..];
            }
        }
        var imagePath = podEnvironment.GetValueOrDefault("PATH") ?? environment.GetValueOrDefault("PATH") ?? DefaultPath;
        var machinePath = machine("PATH") ?? DefaultPath;
        foreach (var (name, value) in podEnvironment)
        {
            environment[name] = value;
        }
        var workingDir = container.WorkingDir.Length > 0 ? container.WorkingDir : image.Config.WorkingDir ?? "";
        var directory = RootPath.Resolve(image.RootDirectory, workingDir);
        if (!Directory.Exists(directory))
        {
            throw new ContainerConfigException(
                $"working directory {workingDir} does not exist in image {container.Image}; set workingDir to one that does",
                ContainerConfigException.CreateContainerError);
        }
        var program = Find(argv[0], image.RootDirectory, directory, imagePath, machinePath)
            ?? throw new ContainerConfigException(WhyNotFound(argv[0], container, image, directory), ContainerConfigException.CreateContainerError);
        var inImage = program.StartsWith(image.RootDirectory + "/", StringComparison.Ordinal);
        var needsRoot = inImage
            && (user is not null || ElfFile.Interpreter(program) is not ['/', ..] loader || IsThere(RootPath.Resolve(image.RootDirectory, loader)));
        environment.TryAdd("HOSTNAME", hostName);
        environment.TryAdd("HOME", user is not null ? user.Home : needsRoot ? "/root" : machine("HOME") ?? "/");
        if (!podEnvironment.ContainsKey("PATH"))
        {
            environment["PATH"] = needsRoot ? imagePath : MergedPath(image.RootDirectory, imagePath, machinePath);
        }
        return new ContainerCommand(program, argv, directory, environment, needsRoot);

        bool IsThere(string loader) => File.Exists(loader) || KernelFiles.Has(loader[image.RootDirectory.Length..]);
    }

    /// <summary>The program of a command run beside the container, as Serval sees it.</summary>
    /// <param name="name">The command.</param>
    /// <param name="root">The directory that stands for the container's <c>/</c>, or its image's.</param>
    /// <param name="directory">The container's working directory, below the root.</param>
    /// <param name="alone">Whether the root is all the container sees: then the machine's programs are not looked at.</param>
    public string FindForExec(string name, string root, string directory, bool alone)
    {
        var path = Environment.GetValueOrDefault("PATH") ?? DefaultPath;
        return Find(name, root, directory, path, alone ? null : path)
            ?? throw new ContainerConfigException($"\"{name}\": executable file not found", ContainerConfigException.CreateContainerError);
    }

    private static List<string> Argv(Container container, ImageRoot image, IReadOnlyDictionary<string, string> environment)
    {
        var argv = new List<string>();
        argv.AddRange(container.Command.Count > 0 ? container.Command.Select(c => Expansion.Expand(c, environment)) : image.Config.Entrypoint ?? []);
        if (container.Args.Count > 0)
        {
            argv.AddRange(container.Args.Select(a => Expansion.Expand(a, environment)));
        }
        else if (container.Command.Count == 0)
        {
            argv.AddRange(image.Config.Cmd ?? []);
        }
        return argv.Count > 0
            ? argv
            : throw new ContainerConfigException(
                $"no command specified: image {container.Image} has neither entrypoint nor cmd; set the container's command",
                ContainerConfigException.CreateContainerError);
    }

    // Without a machinePath nothing but the root is searched.
    private static string? Find(string name, string root, string directory, string imagePath, string? machinePath)
    {
        if (name.Contains('/'))
        {
            var inside = Inside(name, root, directory);
            return IsProgram(inside) ? inside : name[0] == '/' && machinePath is not null && IsProgram(name) ? name : null;
        }
        return imagePath.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(d => RootPath.Resolve(root, d + "/" + name))
            .Concat((machinePath ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Select(d => d + "/" + name))
            .FirstOrDefault(IsProgram);
    }

    private static string Inside(string name, string root, string directory) =>
        RootPath.Resolve(root, name[0] == '/' ? name : directory[root.Length..] + "/" + name);

    private static string WhyNotFound(string name, Container container, ImageRoot image, string directory)
    {
        const string Check = "check the image's entrypoint or the container's command";
        if (!name.Contains('/'))
        {
            return $"\"{name}\": executable file not found in the PATH of image {container.Image}, nor in that of this machine; {Check}";
        }
        var inside = Inside(name, image.RootDirectory, directory);
        return Directory.Exists(inside) ? $"\"{name}\" is a directory in image {container.Image}, so it cannot be run; {Check}"
            : File.Exists(inside) ? $"\"{name}\" in image {container.Image} is not an executable file; make it one (chmod +x) and build the image again"
            : $"\"{name}\": executable file not found in image {container.Image}{(name[0] == '/' ? ", nor on this machine" : "")}; {Check}";
    }

    private static string MergedPath(string root, string imagePath, string machinePath) => string.Join(':',
        imagePath.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(d => RootPath.Resolve(root, d)).Where(Directory.Exists).Append(machinePath));

    private static bool IsProgram(string path)
    {
        const UnixFileMode execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        var file = new FileInfo(path);
        return file.Exists && !file.Attributes.HasFlag(FileAttributes.Directory)
            && (OperatingSystem.IsWindows() || ((file.ResolveLinkTarget(returnFinalTarget: true) ?? file).UnixFileMode & execute) != 0);
    }
}
