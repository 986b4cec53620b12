// The boot bank as a file system: what the archive has, read straight from where it lies in memory. Nothing
// is ever changed in it.
#pragma once

#include "c_os/file/node.hpp"
#include "formats/bytes.hpp"

namespace chorale::c_os {

class BankNode;

class BankFileSystem final : public FileSystem {
  public:
    BankFileSystem(u64 device, TimeStamp time) : FileSystem{"bankfs", device}, time_{time} {}
    ~BankFileSystem();

    // Entries that are bad are left out: their number. Errors: enomem.
    [[nodiscard]] Result<std::size_t> begin(formats::Bytes archive);
    [[nodiscard]] Ref<Node> root() override;
    [[nodiscard]] FileSystemStatistics statistics() override;

    [[nodiscard]] TimeStamp time() const { return time_; }
    // The files of a folder at the top; there need not be one of that name.
    class FileVisitor {
      public:
        [[nodiscard]] virtual Done visit(std::string_view name, formats::Bytes contents) = 0;

      protected:
        ~FileVisitor() = default;
    };
    [[nodiscard]] Done for_each_file_of(std::string_view folder, FileVisitor& visitor);

  private:
    [[nodiscard]] Result<BankNode*> obtain(BankNode& directory, std::string_view name, NodeKind kind,
                                           formats::Bytes data);
    [[nodiscard]] Result<bool> add(std::string_view name, NodeKind kind, formats::Bytes data);

    const TimeStamp time_;
    BankNode* nodes_{}; // each one's next; held once
    BankNode* root_{};
    u64 count_{}, pages_{};
};

} // namespace chorale::c_os
