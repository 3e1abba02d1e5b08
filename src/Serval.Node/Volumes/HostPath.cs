using Serval.Api.Core;
using Serval.Images;
using Serval.Node.Containers;

namespace Serval.Node.Volumes;

/// <summary>A file or directory of the machine as a volume (core/v1 HostPathType; modes are kubelet's, pkg/volume/hostpath).</summary>
internal static class HostPath
{
    private const UnixFileMode ReadableFile = (UnixFileMode)0x1A4; // rw-r--r--

    /// <summary>Makes it where its type says so, and checks that it is what the type says. Throws <see cref="ContainerConfigException"/>.</summary>
    public static string Prepare(HostPathVolume volume)
    {
        var (path, type) = (volume.Path.StartsWith('/') ? volume.Path : "/" + volume.Path, volume.Type); // kubelet: MakeAbsolutePath
        try
        {
            if (!Path.Exists(path) && type is "" or "DirectoryOrCreate")
            {
                OpenDirectory.Create(path);
            }
            else if (!Path.Exists(path) && type == "FileOrCreate")
            {
                File.Create(path).Dispose();
                File.SetUnixFileMode(path, ReadableFile);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed($"{path} cannot be made: {e.Message}");
        }
        var wanted = type.Replace("OrCreate", "", StringComparison.Ordinal);
        return !Path.Exists(path) ? throw Failed($"{path} does not exist")
            : wanted.Length > 0 && FileType.Of(path) != wanted ? throw Failed($"{path} is not of type {wanted}")
            : path;
    }

    /// <summary>Who may do what in a directory, wherever a link leads.</summary>
    public static UnixFileMode ModeOf(string path) => File.GetUnixFileMode(RootPath.Resolve("/", path)) & PodVolumes.OpenToAll;

    // Tried again after a while: the machine tells nobody when it is there.
    private static ContainerConfigException Failed(string what) => new($"hostPath type check failed: {what}", ContainerConfigException.CreateContainerError);
}
