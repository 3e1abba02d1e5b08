namespace Serval.Images;

/// <summary>An OCI layout that is a directory.</summary>
internal sealed class DirectorySource(string directory) : ImageSource
{
    public override string Name => directory;

    public override FileStream? Open(string member)
    {
        var path = Path.Combine([directory, .. RootedTree.Split(member, directory)]);
        return File.Exists(path) ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16) : null;
    }
}
