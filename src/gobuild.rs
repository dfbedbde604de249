//! Build information out of an ELF file. (Skeleton.)
