namespace Serval.Images;

/// <summary>What a path is, links not followed.</summary>
internal enum NodeKind
{
    Missing,
    File,
    Directory,
    Link,
}
