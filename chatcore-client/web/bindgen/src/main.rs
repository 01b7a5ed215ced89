//! `bindgen MODULE FOLDER`: writes `FOLDER/engine_bg.wasm` and the glue `FOLDER/engine_bg.js`.

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [module, folder] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "bindgen MODULE FOLDER")?;
    let mut bindgen = Bindgen::new();
    bindgen.bundler(true)?.typescript(true).remove_producers_section(true).out_name("engine").input_path(module);
    Ok(bindgen.generate(folder)?)
}
