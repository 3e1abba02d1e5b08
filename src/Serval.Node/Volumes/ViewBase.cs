using Serval.Api.Admission;

namespace Serval.Node.Volumes;

/// <summary>
/// What the views of a node's containers have in common, made once: an empty directory to mount at, and the lowest layer of every root, which has
/// the places that are mounted over. A new file in a container's own layer costs more than a dozen mounts.
/// </summary>
internal static class ViewBase
{
    private const UnixFileMode ReadableFile = (UnixFileMode)0x1A4; // rw-r--r--
    private const UnixFileMode Temporary = (UnixFileMode)0x3FF; // rwxrwxrwt

    /// <summary>Where a view's own file system of its thread is mounted.</summary>
    public static string Stage(string directory) => Path.Combine(directory, "stage");

    /// <summary>The lowest layer; <paramref name="account"/>: also with a place for <see cref="AccountMount.Path"/>.</summary>
    public static string Layer(string directory, bool account) => Path.Combine(directory, account ? "layer-account" : "layer");

    public static void Create(string directory)
    {
        Directory.CreateDirectory(Stage(directory));
        Fill(Layer(directory, account: false));
        Fill(Layer(directory, account: true));
        foreach (var place in (ReadOnlySpan<string>)[AccountMount.Path, AccountMount.Path["/var".Length..]]) // an image's /var/run is mostly a link to /run
        {
            OpenDirectory.Create(Layer(directory, account: true) + place);
        }
    }

    private static void Fill(string layer)
    {
        foreach (var name in KernelFiles.Places.Append("/etc"))
        {
            OpenDirectory.Create(layer + name);
        }
        foreach (var file in Containers.PodHosts.EtcNames.Select(n => layer + "/etc/" + n))
        {
            File.WriteAllText(file, "");
            File.SetUnixFileMode(file, ReadableFile);
        }
        Directory.CreateDirectory(layer + "/tmp");
        File.SetUnixFileMode(layer + "/tmp", Temporary);
        File.SetUnixFileMode(layer, OpenDirectory.Mode);
    }
}
